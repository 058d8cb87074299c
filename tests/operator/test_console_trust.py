"""Identity providers, policies, subjects and fronting in the console; assertions tried out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.models import OneTimeValue
from oauth.models import AccessToken, FrontingLink, SubjectMapping, TrustedIdP, XAAPolicy
from oauth.xaa import trust
from oauth.xaa.rehearsal import rehearse
from tests.support.factories import make_confidential_client, make_link, make_resource, make_user
from tests.support.idp import JWT_BEARER, IdentityProvider
from tests.support.published import internet
from tests.support.staff import ALL, desk, reaches

pytestmark = pytest.mark.django_db


class Enterprise:
    """A provider whose keys can be had, a client that may present its assertions, a resource."""

    def __init__(self, world):
        self.idp = IdentityProvider(world)
        self.idp.publish()
        self.row = self.idp.trusted()
        self.policy = XAAPolicy.objects.get()
        self.resource = make_resource()
        self.client = make_confidential_client(grant_types=[JWT_BEARER], scope="read write").row

    def assertion(self, **claims):
        return self.idp.assertion(
            self.client.client_id, **({"resource": self.resource.uri} | claims)
        )

    def says(self, assertion=None, **options):
        """What a rehearsal finds: whether it would be accepted, and the refusals in order."""
        found = rehearse(assertion or self.assertion(), now=clock.now(), **options)
        return found.is_accepted, [step.reason for step in found.steps if step.reason]

    def change(self, row, **fields):
        type(row).objects.filter(pk=row.pk).update(**fields)
        trust.drop()


@pytest.fixture
def enterprise(monkeypatch):
    with internet(monkeypatch) as world:
        yield Enterprise(world)


def test_a_good_assertion_would_be_accepted_and_is_not_spent(enterprise):
    assertion = enterprise.assertion()

    assert [(True, []), (True, [])] == [enterprise.says(assertion) for _ in range(2)]
    assert not OneTimeValue.objects.exists()
    assert not AccessToken.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("claims", "options", "reasons"),
    [
        ({"aud": "https://other.example"}, {}, ["assertion_audience"]),
        ({"client_id": "nobody"}, {}, ["client_unknown"]),
        ({"resource": "https://nowhere.example"}, {}, ["resource_unknown"]),
        ({}, {"resource": "https://nowhere.example"}, ["resource_unknown"]),
        ({}, {"scope": "admin"}, ["scope_beyond_ceiling"]),
        ({"jti": None}, {}, ["assertion_claims"]),
        ({"iss": "https://stranger.example"}, {}, ["untrusted_issuer"]),
    ],
)
def test_why_an_assertion_would_be_refused(enterprise, claims, options, reasons):
    assert (False, reasons) == enterprise.says(enterprise.assertion(**claims), **options)


def test_an_old_assertion_is_judged_further(enterprise):
    enterprise.change(enterprise.policy, scopes=[])
    long_ago = int((clock.now() - timedelta(days=30)).timestamp())

    said = enterprise.says(enterprise.assertion(iat=long_ago, exp=long_ago + 300))

    assert (False, ["assertion_expired", "policy_denied"]) == said


def test_what_each_policy_lacks_is_told(enterprise):
    enterprise.change(
        enterprise.policy, client_ids=["somebody"], resources=["https://x.example"], scopes=["a"]
    )

    found = rehearse(enterprise.assertion(scope="read"), now=clock.now())

    [(name, why)] = found.policies
    assert "Everything" == name
    for text in ("does not list the client", "does not list the resource", "does not allow read"):
        assert text in why


def test_a_provider_and_a_client_that_are_stopped_are_told(enterprise, override_config):
    enterprise.change(enterprise.client, status="suspended")
    assert (False, ["client_inactive"]) == enterprise.says()
    enterprise.change(enterprise.client, status="active")

    user = make_user(status="disabled")
    link = SubjectMapping.objects.create(idp=enterprise.row, idp_subject="ann", local_user=user)
    assert (False, ["subject_inactive"]) == enterprise.says()
    link.delete()

    override_config(xaa={"subject_mode": "strict"})
    assert (False, ["subject_mapping_failed"]) == enterprise.says()
    enterprise.change(enterprise.row, enabled=False)
    assert (False, ["idp_disabled"]) == enterprise.says()


@pytest.mark.parametrize("text", ["", "not a token", "a.b.c", "é" * 40])
def test_what_is_no_token_is_refused_in_words(text):
    answer = desk("operator").post("/console/trust/rehearse/", {"assertion": text})

    assert 200 == answer.status_code
    assert ("no signed token" in answer.content.decode()) == bool(text)


def test_an_assertion_is_tried_on_the_page(enterprise):
    given = {"assertion": enterprise.assertion()}

    page = desk("operator").post("/console/trust/rehearse/", given).content.decode()

    for text in ("It would be accepted", "Everything allows it", "ann is "):
        assert text in page


def test_a_provider_gets_policies_and_subjects(enterprise):
    security, idp, user = desk("security"), enterprise.row.pk, make_user()

    answers = [
        security.post(reverse("admin:policy-new", args=[idp]),
                      {"name": "Reports", "limit": "some", "scopes": "read\nwrite",
                       "client_ids": "reports", "enabled": "on"}),
        security.post(reverse("admin:mapping-new", args=[idp]),
                      {"idp_subject": "bob", "user": user.email}),
        security.post(reverse("admin:idp-change", args=[idp]), {"name": "Renamed"}),
    ]  # fmt: skip

    assert [302, 302, 302] == [answer.status_code for answer in answers]
    policy, link = XAAPolicy.objects.get(name="Reports"), SubjectMapping.objects.get()
    assert (["read", "write"], ["reports"], True) == (
        policy.scopes, policy.client_ids, policy.enabled,
    )  # fmt: skip
    assert (user.pk, "bob") == (link.local_user_id, link.idp_subject)
    enterprise.row.refresh_from_db()
    assert ("Renamed", False) == (enterprise.row.name, enterprise.row.enabled)
    page = security.get(reverse("admin:idp", args=[idp])).content.decode()
    for text in ("Reports", "bob", str(user), "switched off"):
        assert text in page
    actors = set(AuditEvent.objects.values_list("actor_id", flat=True))
    assert {str(security.person.pk)} == actors


@pytest.mark.parametrize(("limit", "scopes"), [("any", None), ("none", [])])
def test_a_policy_without_a_limit_and_one_that_allows_nothing(enterprise, limit, scopes):
    url = reverse("admin:policy-change", args=[enterprise.policy.pk])

    desk("security").post(url, {"name": "Changed", "limit": limit, "enabled": "on"})

    enterprise.policy.refresh_from_db()
    assert ("Changed", scopes) == (enterprise.policy.name, enterprise.policy.scopes)


@pytest.mark.parametrize(
    ("route", "answers", "said"),
    [
        ("policy-new", {"name": "x", "limit": "some"}, "Name at least one"),
        ("policy-new", {"name": "x", "limit": "any", "scopes": "read"}, "count only with"),
        ("mapping-new", {"idp_subject": "bob", "user": "nobody@example.com"}, "Nobody here"),
    ],
)
def test_answers_that_cannot_be_are_said_beside_the_question(enterprise, route, answers, said):
    url = reverse(f"admin:{route}", args=[enterprise.row.pk])

    refused = desk("security").post(url, answers)

    assert (400, True) == (refused.status_code, said in refused.content.decode())
    assert (1, 0) == (XAAPolicy.objects.count(), SubjectMapping.objects.count())


def test_a_provider_is_trusted_and_trusted_no_more(enterprise):
    security = desk("security")
    given = {"name": "Second", "issuer": "https://second.example",
             "jwks_uri": "https://second.example/jwks"}  # fmt: skip

    assert 302 == security.post("/console/trust/idps/new/", given).status_code
    again = security.post("/console/trust/idps/new/", given)
    assert (409, b"Nothing was changed" in again.content) == (again.status_code, True)
    asked = security.get(reverse("admin:idp-do", args=[enterprise.row.pk, "delete"]))
    assert b"1 policy and no linked subjects" in asked.content
    security.post(reverse("admin:idp-do", args=[enterprise.row.pk, "delete"]))

    assert ["Second"] == list(TrustedIdP.objects.values_list("name", flat=True))


TRUST = [
    ("policy-new", "idp", {"name": "x", "limit": "any"}),
    ("mapping-new", "idp", {"idp_subject": "bob"}),
    ("idp-change", "idp", {"name": "Renamed"}),
    ("policy-delete", "policy", {}),
]


@pytest.mark.parametrize("role", ALL)
@pytest.mark.parametrize(("route", "about", "answers"), TRUST)
def test_changing_whom_one_trusts_takes_security(enterprise, role, route, about, answers):
    key = {"idp": enterprise.row, "policy": enterprise.policy}[about].pk

    desk(role).post(reverse(f"admin:{route}", args=[key]), answers)

    assert reaches(role, "security") == AuditEvent.objects.exists()


@pytest.fixture
def ends():
    return make_resource(slug="front"), make_resource(slug="behind")


LINK = {"source": "front", "target": "behind", "scope_map": "read -> read write\nwrite -> write"}


def test_a_link_is_tried_and_then_made(ends):
    operator = desk("operator")

    tried = operator.post("/console/fronting/new/", LINK | {"rehearse": "1"})
    assert (200, True) == (tried.status_code, b"read becomes read write" in tried.content)
    assert not FrontingLink.objects.exists()
    assert not AuditEvent.objects.exists()
    operator.post("/console/fronting/new/", LINK)

    link = FrontingLink.objects.get()
    assert {"read": ["read", "write"], "write": ["write"]} == link.scope_map
    assert str(operator.person.pk) == link.created_by


@pytest.mark.parametrize("submit", [{}, {"rehearse": "1"}], ids=["save", "check"])
@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"target": "front"}, "must not be the source itself"),
        ({"scope_map": "read -> nothing"}, "nothing"),
        ({"scope_map": "read"}, "has no arrow"),
        ({"scope_map": "read -> read\nread -> write"}, "repeats"),
    ],
)
def test_a_link_that_cannot_be_is_refused_alike(ends, submit, answers, said):
    refused = desk("operator").post("/console/fronting/new/", LINK | answers | submit)

    assert refused.status_code in {400, 409}
    assert said in refused.content.decode()
    assert not FrontingLink.objects.exists()


def test_a_link_is_changed_and_deleted(ends):
    operator, link = desk("operator"), make_link(*ends)

    operator.post(reverse("admin:fronting-change", args=[link.pk]), {"scope_map": "read -> write"})
    link.refresh_from_db()
    assert {"read": ["write"]} == link.scope_map
    asked = operator.get(reverse("admin:fronting-delete", args=[link.pk])).content
    assert b"1 scopes of the source" in asked
    operator.post(reverse("admin:fronting-delete", args=[link.pk]))

    assert not FrontingLink.objects.exists()


@pytest.mark.parametrize("role", ALL)
def test_linking_takes_an_operator(ends, role):
    desk(role).post("/console/fronting/new/", LINK)

    assert reaches(role, "operator") == FrontingLink.objects.exists()
