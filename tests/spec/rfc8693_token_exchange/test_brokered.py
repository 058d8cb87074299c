"""Exchanges into tokens of an upstream service: our gates, then whatever source is registered."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest

from audit.models import AuditEvent
from oauth import ports
from tests.support.digests import nothing_changes
from tests.support.exchanging import ACCESS_TOKEN, exchanger, row
from tests.support.factories import make_resource
from tests.support.refusals import INVALID_SCOPE, INVALID_TARGET, Refusal, assert_refused

DENIED = Refusal(403, "access_denied", "client is not authorized to exchange this token")
NO_LINK = Refusal(400, "invalid_request", "no fronting link leads to this resource")
NO_ACTOR = Refusal(400, "invalid_request", "actor_token cannot be used with this resource")
CONNECT = "http://localhost:9000/connect/forge?resource=forge"


@dataclass
class Source:
    """Answers with a token of the upstream service, or with what a test puts in `failure`."""

    asked: list[ports.UpstreamRequest] = field(default_factory=list)
    lifetime: int | None = 1800
    failure: Exception | None = None

    def obtain(self, wish: ports.UpstreamRequest) -> ports.UpstreamToken:
        self.asked.append(wish)
        if self.failure is not None:
            raise self.failure
        return ports.UpstreamToken(access_token="upstream token", lifetime=self.lifetime)


@pytest.fixture
def source():
    made = Source()
    with ports.source_in_place(made):
        yield made


@pytest.fixture
def forge(delegation):
    """A resource whose tokens come from elsewhere, under a slug alone."""
    from oauth.resources import selectors

    made = make_resource(slug="forge", uri="", backend_kind="broker", broker_provider=uuid.uuid4())
    selectors.drop()
    return made


def obtained(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer, cause):
    """A refusal over consent; where it can be given, when anywhere."""
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert ("consent_required", cause) == (body["error"], body["cause"])
    return body.get("consent_url")


# --- Over a link ---------------------------------------------------------------------------------


@pytest.fixture
def linked(delegation, forge, source):
    """The front stands before the forge."""
    from oauth.models import FrontingLink
    from oauth.resources import fronting

    FrontingLink.objects.create(
        source=delegation.front,
        target=forge,
        scope_map={"read": ["read"], "write": ["read", "write"]},
    )
    fronting.drop()
    delegation.back = forge
    return delegation


def vend(delegation, subject_token=None, **overrides):
    token = subject_token or delegation.subject_token()
    return delegation.gateway.exchange(token, **({"resource": "forge"} | overrides))


def test_the_answer_is_the_upstream_s_token(linked, source):
    body = obtained(vend(linked, scope="read"))

    assert {
        "access_token": "upstream token", "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer", "expires_in": 1800, "scope": "read",
    } == body  # fmt: skip
    (wish,) = source.asked
    assert (linked.user.pk, linked.gateway.client_id, "forge", ("read",)) == (
        wish.user_id, wish.client_id, wish.resource_slug, wish.scopes,
    )  # fmt: skip


def test_an_unknown_lifetime_is_left_out(linked, source):
    """A client takes `expires_in: 0` for a token that has expired."""
    source.lifetime = None

    assert "expires_in" not in obtained(vend(linked))


def test_each_vend_is_a_row_of_the_ledger(linked, source):
    from oauth.models import AccessToken

    token = linked.subject_token()
    obtained(vend(linked, token))

    kept = AccessToken.objects.get(kind="vend")
    assert (
        source.asked[0].issuance, linked.claims(token)["jti"], row(linked.gateway).pk,
        linked.user.pk, "forge", "read write",
    ) == (
        kept.pk, str(kept.parent), kept.application_id, kept.user_id, kept.resource, kept.scope,
    )  # fmt: skip
    event = AuditEvent.objects.filter(action="token.exchanged").latest("id")
    assert ("broker_dispatch", "fronted", str(kept.pk)) == (
        event.detail["type"], event.detail["chain_kind"], event.detail["jti"],
    )  # fmt: skip


@pytest.mark.spec("Broker", "13.2", "MUST", "an omitted scope is everything within reach")
@pytest.mark.parametrize(("held", "reached"), [("read", "read"), ("write", "read write")])
def test_an_omitted_scope_is_everything_within_reach(linked, held, reached):
    assert reached == obtained(vend(linked, linked.subject_token(scope=held)))["scope"]


@pytest.mark.spec("Broker", "13.2", "MUST", "what the link does not give is scope_insufficient")
@pytest.mark.parametrize("asked", ["write", "unknown", "read write"])
def test_what_the_link_does_not_give_no_page_can_give(linked, source, asked):
    token = linked.subject_token(scope="read")

    with nothing_changes():
        assert refused(vend(linked, token, scope=asked), "scope_insufficient") is None
    assert source.asked == []


@pytest.mark.spec("Broker", "13.2", "MUST", "another client is refused with 403")
def test_only_gateways_pass(linked, source):
    stranger = linked.another_exchanger()
    token = linked.subject_token()

    with nothing_changes():
        answer = stranger.exchange(token, resource="forge")
        assert (403, "access_denied") == (answer.status_code, answer.json()["error"])
    assert source.asked == []


def test_a_machine_has_no_account_there(linked, source):
    token = linked.scene.machine_token(resource=linked.front.uri, scope="read")

    with nothing_changes():
        assert_refused(vend(linked, token), DENIED)


@pytest.mark.spec("Broker", "13.2", "MUST", "an actor token is refused with 400")
def test_a_chain_cannot_be_carried(linked, source):
    token, actor = linked.subject_token(), linked.scene.machine_token()

    with nothing_changes():
        assert_refused(vend(linked, token, actor_token=actor), NO_ACTOR)


@pytest.mark.spec(
    "Broker", "13.2", "MUST", "a client that the target does not list is refused with 403"
)
def test_the_target_s_list_is_asked_first(linked, source):
    linked.policy(linked.back, exchange={"allowed_client_ids": ["somebody-else"]})
    token = linked.subject_token()

    with nothing_changes():
        assert_refused(vend(linked, token), DENIED)


def test_without_a_source_the_target_is_unknown(linked):
    token = linked.subject_token()

    with ports.source_in_place(None), nothing_changes():
        assert_refused(vend(linked, token), INVALID_TARGET)


# --- What the source says ------------------------------------------------------------------------


@pytest.mark.parametrize("cause", ["consent_missing", "scope_insufficient"])
def test_the_user_may_have_to_connect_an_account(linked, source, cause):
    source.failure = ports.UpstreamConsentNeeded(cause, CONNECT, "forge")
    token = linked.subject_token()

    with nothing_changes():
        answer = vend(linked, token)
        assert CONNECT == refused(answer, cause)
    assert "forge" == answer.json()["service_id"]


def test_an_outage_is_not_a_matter_of_consent(linked, source):
    source.failure = ports.UpstreamUnavailable(retry_after=7)
    token = linked.subject_token()

    with nothing_changes():
        answer = vend(linked, token)
    assert (503, "temporarily_unavailable", "7") == (
        answer.status_code, answer.json()["error"], answer.headers["retry-after"],
    )  # fmt: skip


def test_a_resource_that_the_source_does_not_know(linked, source):
    source.failure = ports.UpstreamUnknown()
    token = linked.subject_token()

    with nothing_changes():
        assert_refused(vend(linked, token), INVALID_TARGET)


def test_we_make_no_tokens_of_our_own_for_an_upstream_service(delegation):
    """Neither for machines nor over the authorization endpoint."""
    from oauth.resources import selectors

    upstream = make_resource(backend_kind="broker", broker_provider=uuid.uuid4())
    selectors.drop()

    with nothing_changes():
        assert_refused(
            delegation.scene.machine.client_credentials(resource=upstream.uri), INVALID_TARGET
        )
        answer = delegation.agent.start(resource=upstream.uri)
    assert "error=invalid_target" in answer.headers["location"]


# --- Without a link ------------------------------------------------------------------------------


@pytest.mark.spec("Broker", "13.2", "MUST", "without a link it is refused with 400")
def test_a_token_for_a_resource_of_ours_needs_a_link(delegation, forge, source):
    token = delegation.subject_token()

    with nothing_changes():
        assert_refused(vend(delegation, token), NO_LINK)


@pytest.fixture
def direct(delegation, forge, source):
    """A token for this server itself, exchanged by a client that acts as one resource of ours."""
    from oauth.resources import selectors

    issuer = selectors.issuer_resource()
    assert issuer.uri
    return delegation


def issuer_token(delegation):
    """The agent's token without a resource; its scopes are those of this server."""
    return delegation.agent.tokens(delegation.scene.person, resource=None, scope="openid")[
        "access_token"
    ]


@pytest.fixture
def attested(direct, forge):
    """Scopes have one name everywhere: the user's consent at the front speaks for the forge."""
    from oauth.models import ConsentGrant
    from oauth.resources import selectors

    for resource in (forge, direct.front):
        resource.scopes = [{"name": "openid"}, {"name": "email"}]
        resource.save()
    selectors.drop()
    return ConsentGrant.objects.create(
        user=direct.user, client=row(direct.agent), resource=direct.front, scopes=["openid"]
    )


def test_consent_at_the_resource_the_client_acts_as_speaks_for_the_upstream(direct, attested):
    token = issuer_token(direct)

    assert "openid" == obtained(vend(direct, token))["scope"]
    assert "openid" == obtained(vend(direct, token, scope="openid"))["scope"]


@pytest.mark.spec("Broker", "13.3", "MUST", "a client that acts as nothing is refused with 403")
def test_a_client_that_acts_as_nothing_is_refused(direct, attested):
    stranger = exchanger(direct.scene)
    token = issuer_token(direct)

    with nothing_changes():
        assert_refused(stranger.exchange(token, resource="forge"), DENIED)


@pytest.mark.spec(
    "Broker", "13.3", "MUST", "a client that acts as two resources is refused with 403"
)
def test_a_client_that_acts_as_two_resources_is_refused(direct, attested):
    direct.policy(direct.back, runtime={"client_ids": [direct.gateway.client_id]})
    token = issuer_token(direct)

    with nothing_changes():
        assert_refused(vend(direct, token), DENIED)


@pytest.mark.spec("Broker", "13.3", "MUST", "without consent the refusal says where to give it")
def test_without_that_consent_the_refusal_says_where_to_give_it(direct, attested, source):
    from oauth.consent.grant_link import read_link

    attested.delete()
    token = issuer_token(direct)

    with nothing_changes():
        url = refused(vend(direct, token), "consent_missing")
    ask = read_link(parse_qs(urlsplit(url).query)["request"][0])
    assert ask is not None
    assert (direct.front.slug, ("openid",)) == (ask.resource, ask.scopes)
    assert source.asked == []


@pytest.mark.spec("Broker", "13.3", "MUST", "consent to less asks for the rest")
def test_consent_to_less_asks_for_the_rest(direct, attested):
    attested.scopes = ["email"]
    attested.save()
    token = issuer_token(direct)

    with nothing_changes():
        assert refused(vend(direct, token, scope="openid"), "scope_insufficient")
    with nothing_changes():
        assert refused(vend(direct, token), "scope_insufficient")


@pytest.mark.spec("Broker", "13.3", "MUST", "nothing beyond the subject token")
def test_nothing_beyond_the_subject_token(direct, attested):
    token = issuer_token(direct)

    with nothing_changes():
        assert_refused(vend(direct, token, scope="email"), INVALID_SCOPE)


def test_a_scope_that_is_not_the_target_s_is_refused(direct, attested):
    token = issuer_token(direct)

    with nothing_changes():
        assert_refused(vend(direct, token, scope="unknown"), INVALID_SCOPE)
