"""Redeeming an ID-JAG: a refusal has its code, changes nothing and leaves the assertion good."""

from __future__ import annotations

import itertools

import pytest

from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey
from tests.support.factories import make_resource
from tests.support.idp import make_policy, sample
from tests.support.record import reasons
from tests.support.refusals import (
    INVALID_SCOPE,
    INVALID_TARGET,
    NO_CEILING,
    SEVERAL_TARGETS,
    Refusal,
    assert_refused,
)
from tests.support.scene import change_client

pytestmark = pytest.mark.django_db

ID_JAG = ("ID-JAG", "4.4.1", "MUST")
BAD_ASSERTION = Refusal(
    400, "invalid_grant", "the assertion is invalid, expired, or not trusted here"
)
OTHER_CLIENT = Refusal(401, "invalid_client", "the assertion was made for another client")
OTHER_KEY = Refusal(
    400, "invalid_grant", "prove possession of the key that the assertion is bound to"
)
RESOURCE_MISSING = Refusal(400, "invalid_target", "resource is missing")
NO_POLICY = Refusal(403, "access_denied", "no policy allows this assertion")
UNKNOWN_SUBJECT = Refusal(403, "access_denied", "the subject of the assertion is not known here")
INACTIVE = Refusal(400, "invalid_grant", "the authorization grant is invalid, expired, or revoked")


def refuse(ema, assertion, reason, expected, **form):
    """Refused for this reason, without a trace but in the record."""
    with nothing_changes():
        answer = ema.redeem(assertion, **form)
    assert_refused(answer, expected)
    assert reasons("jwt_bearer.denied")[-1:] == [reason]


def still_good(ema, assertion, **form):
    answer = ema.redeem(assertion, **form)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.spec("Broker", "13.4", "MUST", "another type of token is refused")
@pytest.mark.spec(*ID_JAG, "the type of the assertion is checked")
@pytest.mark.parametrize("typ", ["JWT", None, "at+jwt", "oauth-id-jag", "dpop+jwt", 7])
def test_another_type_of_token_is_refused(ema, typ):
    refuse(ema, ema.assertion(headers={"typ": typ}), "assertion_type", BAD_ASSERTION)


@pytest.mark.parametrize("typ", ["OAuth-ID-JAG+JWT", "application/oauth-id-jag+jwt"])
def test_the_type_is_read_as_a_media_type(ema, typ):
    assert ema.redeem(ema.assertion(headers={"typ": typ})).status_code == 200


def test_a_provider_that_is_switched_off_is_refused(ema):
    from oauth.models import TrustedIdP
    from oauth.xaa import trust

    assertion = ema.assertion()
    TrustedIdP.objects.update(enabled=False)
    trust.drop()
    refuse(ema, assertion, "idp_disabled", BAD_ASSERTION)

    TrustedIdP.objects.update(enabled=True)
    trust.drop()
    still_good(ema, assertion)


@pytest.mark.spec("Broker", "13.4", "MUST", "an assertion for another client stays usable")
@pytest.mark.spec(*ID_JAG, "client_id of the assertion is the authenticated client")
def test_an_assertion_for_another_client_is_refused_and_stays_good_for_that_one(ema):
    other = ema.scene.another_machine(scope="read", grant_types=[grant_type()])
    assertion = ema.idp.assertion(other.client_id, resource=ema.scene.resource.uri)
    refuse(ema, assertion, "client_mismatch", OTHER_CLIENT)

    ema.client = other
    still_good(ema, assertion)


@pytest.mark.parametrize("client_id", [None, "", 7, ["x"]])
def test_an_assertion_for_no_client_is_refused(ema, client_id):
    refuse(ema, ema.assertion(client_id=client_id), "assertion_claims", BAD_ASSERTION)


def test_the_audience_of_the_provider_takes_the_place_of_our_issuer(ema):
    from oauth.models import TrustedIdP
    from oauth.xaa import trust

    TrustedIdP.objects.update(audience="https://as.example/tenant")
    trust.drop()

    refuse(ema, ema.assertion(), "assertion_audience", BAD_ASSERTION)
    still_good(ema, ema.assertion(aud="https://as.example/tenant"))


# Resource


@pytest.mark.spec("Broker", "13.4", "MUST", "an unknown resource is refused")
@pytest.mark.spec("RFC 8707", "2", "MUST", "an unknown resource is invalid_target")
def test_unknown_resources_are_refused(ema):
    assertion = ema.assertion(resource=None)
    for resource in ("https://nobody.example/", "nobody", ema.scene.resource.slug, "x" * 3000):
        refuse(ema, assertion, "resource_unknown", INVALID_TARGET, resource=resource)
    refuse(
        ema, ema.assertion(resource="https://nobody.example/"), "resource_unknown", INVALID_TARGET
    )
    refuse(ema, ema.assertion(resource=ema.scene.resource.slug), "resource_unknown", INVALID_TARGET)

    still_good(ema, assertion, resource=ema.scene.resource.uri)


@pytest.mark.parametrize("resource", [7, "", {"a": 1}, [7], [""], ["x"] * 21, "x" * 2049])
def test_malformed_resources_are_refused(ema, resource):
    refuse(ema, ema.assertion(resource=resource), "assertion_claims", BAD_ASSERTION)


@pytest.mark.spec("ID-JAG", "3", "MUST", "the token is for the resource of the assertion")
def test_the_request_cannot_leave_the_resources_of_the_assertion(ema):
    other = make_resource()
    assertion = ema.assertion()
    refuse(ema, assertion, "resource_mismatch", INVALID_TARGET, resource=other.uri)

    still_good(ema, assertion, resource=ema.scene.resource.uri)


def test_the_request_chooses_among_several_resources(ema):
    other = make_resource()
    several = [ema.scene.resource.uri, other.uri]
    assertion = ema.assertion(resource=several)
    refuse(ema, assertion, "resource_several", SEVERAL_TARGETS)

    answer = still_good(ema, assertion, resource=other.uri)

    assert ema.client.claims(answer["access_token"], audience=other.uri)["aud"] == [other.uri]


def test_a_resource_is_known_by_every_spelling_of_its_uri(ema):
    spelled = ema.scene.resource.uri.replace("https://", "HTTPS://") + "/"

    answer = still_good(ema, ema.assertion(resource=spelled), resource=ema.scene.resource.uri)

    assert ema.client.claims(answer["access_token"])["aud"] == [ema.scene.resource.uri]


@pytest.mark.shows("setting", "xaa.require_resource")
def test_a_resource_can_be_required(ema, override_config):
    assertion = ema.assertion(resource=None)
    override_config(xaa={"require_resource": True})
    refuse(ema, assertion, "resource_required", RESOURCE_MISSING)

    still_good(ema, assertion, resource=ema.scene.resource.uri)


def test_without_a_resource_the_token_is_for_this_server(ema):
    answer = still_good(ema, ema.assertion(resource=None, scope="read"))

    assert ema.client.claims(answer["access_token"])["aud"] == ["http://localhost:9000"]


def test_a_resource_can_refuse_the_grant(ema):
    assertion = ema.assertion()
    allow_grants(ema, ["authorization_code"])
    with nothing_changes():
        answer = ema.redeem(assertion)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")

    allow_grants(ema, [grant_type()])
    still_good(ema, assertion)


# Scope


def test_a_client_without_a_ceiling_gets_nothing(ema):
    assertion = ema.assertion()
    change_client(ema.client, scope="")
    refuse(ema, assertion, "scope_no_ceiling", NO_CEILING)

    change_client(ema.client, scope="read")
    still_good(ema, assertion)


@pytest.mark.spec("Broker", "13.4", "MUST", "scopes beyond client or assertion are refused")
@pytest.mark.spec("ID-JAG", "4.4.1", "MUST", "the token stays within the scope of the assertion")
@pytest.mark.parametrize(
    ("asserted", "asked", "reason"),
    [
        ("read", "write", "scope_beyond_grant"),
        ("read", "read write", "scope_beyond_grant"),
        ("", "read", "scope_beyond_grant"),
        ("", None, "scope_empty"),
        ("admin", None, "scope_empty"),
        (None, "admin", "scope_beyond_ceiling"),
        ("admin", "admin", "scope_beyond_ceiling"),
        (None, "tools", "scope_unknown"),
        (None, 'a"b', "scope_malformed"),
    ],
)
def test_scopes_are_refused_and_never_cut_down(ema, asserted, asked, reason):
    change_client(ema.client, scope="read write tools")
    assertion = ema.assertion(scope=asserted)

    refuse(ema, assertion, reason, INVALID_SCOPE, scope=asked)

    if asserted is None:
        still_good(ema, assertion, scope="read")


@pytest.mark.parametrize("scope", [7, ["read"], 'a"b', "a  b"])
def test_malformed_scopes_of_an_assertion_are_refused(ema, scope):
    refuse(ema, ema.assertion(scope=scope), "assertion_claims", BAD_ASSERTION)


@pytest.mark.parametrize(
    ("asserted", "asked", "granted"),
    [
        (None, None, "read"),
        ("write", None, "write"),
        ("write read unknown", None, "write read"),
        ("read write", "write", "write"),
        (None, "read write", "read write"),
        (None, "read offline_access", "read"),
    ],
)
def test_the_scope_of_the_token(ema, asserted, asked, granted):
    answer = still_good(ema, ema.assertion(scope=asserted), scope=asked)

    assert answer["scope"] == granted
    assert ema.client.claims(answer["access_token"])["scope"] == granted


# Policies


@pytest.mark.spec("Broker", "13.4", "MUST", "without a policy nothing is allowed")
def test_without_a_policy_nothing_is_allowed(ema):
    from oauth.models import XAAPolicy
    from oauth.xaa import trust

    assertion = ema.assertion()
    XAAPolicy.objects.all().delete()
    trust.drop()
    refuse(ema, assertion, "policy_denied", NO_POLICY)

    make_policy(ema.row)
    still_good(ema, assertion)


@pytest.mark.shows("metric", "authplane_xaa_policy_evaluation_total")
@pytest.mark.parametrize(
    "policy",
    [
        {"enabled": False},
        {"client_ids": ["somebody-else"]},
        {"resources": ["https://another.example/"]},
        {"scopes": []},
        {"scopes": ["write"]},
        {"scopes": ["write", "tools"]},
    ],
)
def test_a_policy_that_does_not_fit_is_none(ema, policy):
    assertion = ema.assertion()
    ema.change_policy(**policy)
    before = sample("authplane_xaa_policy_evaluation_total", outcome="denied")
    refuse(ema, assertion, "policy_denied", NO_POLICY, scope="read")
    assert sample("authplane_xaa_policy_evaluation_total", outcome="denied") == before + 1

    make_policy(ema.row)
    still_good(ema, assertion, scope="read")


def test_null_and_empty_lists_of_scopes_are_told_apart(ema):
    ema.change_policy(scopes=[])
    refuse(ema, ema.assertion(), "policy_denied", NO_POLICY)

    ema.change_policy(scopes=None)
    still_good(ema, ema.assertion())


@pytest.mark.spec("Broker", "13.4", "MUST", "policies are not narrowed")
def test_a_policy_is_not_narrowed_and_the_next_one_is_asked(ema):
    ema.change_policy(scopes=["read"])
    refuse(ema, ema.assertion(), "policy_denied", NO_POLICY, scope="read write")

    make_policy(ema.row, scopes=["read", "write"], client_ids=[ema.client.client_id],
                resources=[ema.scene.resource.uri + "/"])  # fmt: skip
    assert still_good(ema, ema.assertion(), scope="read write")["scope"] == "read write"


def test_policies_of_one_provider_do_not_count_for_another(ema):
    from oauth.models import XAAPolicy
    from tests.support.idp import IdentityProvider

    other = IdentityProvider(ema.idp.world)
    other.publish()
    row = other.trusted()
    XAAPolicy.objects.filter(idp=row).delete()

    assertion = other.assertion(ema.client.client_id, resource=ema.scene.resource.uri)
    refuse(ema, assertion, "policy_denied", NO_POLICY)


# Subjects


@pytest.mark.shows("setting", "xaa.subject_mode")
@pytest.mark.shows("metric", "authplane_xaa_subject_resolutions_total")
def test_strict_mode_refuses_subjects_without_a_mapping(ema, override_config):
    assertion = ema.assertion()
    override_config(xaa={"subject_mode": "strict"})
    before = sample("authplane_xaa_subject_resolutions_total", outcome="unmapped")
    refuse(ema, assertion, "subject_mapping_failed", UNKNOWN_SUBJECT)
    assert sample("authplane_xaa_subject_resolutions_total", outcome="unmapped") == before + 1

    ema.link("ann")
    answer = still_good(ema, assertion)
    assert ema.client.claims(answer["access_token"])["sub"] == f"{ema.idp.issuer}:ann"


def test_a_subject_without_a_mapping_is_named_after_its_provider_and_gets_no_account(ema):
    from authplane.accounts.models import User

    users = User.objects.count()

    claims = ema.client.claims(ema.token())

    assert claims["sub"] == f"{ema.idp.issuer}:ann"
    assert User.objects.count() == users


def test_a_mapped_subject_is_the_user(ema):
    from oauth.models import AccessToken

    ema.link("ann", ema.scene.user)

    claims = ema.client.claims(ema.token())

    assert claims["sub"] == str(ema.scene.user.pk)
    assert AccessToken.objects.get(pk=claims["jti"]).user_id == ema.scene.user.pk


@pytest.mark.parametrize("subject", ["Ann", "ann ", "an"])
def test_subjects_are_compared_byte_for_byte(ema, subject):
    ema.link("ann", ema.scene.user)

    assert ema.client.claims(ema.token(sub=subject))["sub"] == f"{ema.idp.issuer}:{subject}"


def test_a_disabled_user_is_refused_and_not_mapped_otherwise(ema):
    ema.link("ann", ema.scene.user)
    assertion = ema.assertion()
    ema.scene.user.status = "disabled"
    ema.scene.user.save(update_fields=["status"])
    refuse(ema, assertion, "subject_inactive", INACTIVE)

    ema.scene.user.status = "active"
    ema.scene.user.save(update_fields=["status"])
    still_good(ema, assertion)


def test_a_deleted_user_is_refused_and_not_mapped_otherwise(ema):
    from tests.support.factories import make_user

    gone = make_user()
    ema.link("ann", gone)
    gone.delete()

    refuse(ema, ema.assertion(), "subject_inactive", INACTIVE)


# What the token says


def test_the_claims_of_the_token(ema):
    claims = ema.client.claims(ema.token())

    assert claims["client_id"] == ema.client.client_id
    assert claims["act"] == {"sub": ema.idp.issuer}
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["aud"] == [ema.scene.resource.uri]
    assert {"agent_id", "agent_chain", "cnf"}.isdisjoint(claims)


def test_the_token_of_an_agent_names_the_provider_in_its_chain(ema):
    change_client(ema.client, is_agent=True)

    claims = ema.client.claims(ema.token())

    assert claims["agent_id"] == ema.client.client_id
    assert claims["agent_chain"] == [ema.idp.issuer]


@pytest.mark.shows("setting", "xaa.token_expiry")
def test_the_lifetime_is_configured_and_limited_by_the_resource(ema, override_config):
    override_config(tokens={"xaa_ttl": 600})
    assert ema.redeem().json()["expires_in"] == 600

    set_policy(ema, token_lifetime=120)
    assert ema.redeem().json()["expires_in"] == 120


def test_the_token_ends_with_its_user_and_can_be_revoked(ema):
    ema.link("ann", ema.scene.user)
    token, other = ema.token(), ema.token()
    assert ema.scene.is_active(token)

    assert ema.client.revoke(other).status_code == 200
    assert not ema.scene.is_active(other)
    ema.scene.user.status = "disabled"
    ema.scene.user.save(update_fields=["status"])
    assert not ema.scene.is_active(token)


def test_the_resource_server_learns_who_vouched(ema):
    answer = ema.scene.watcher.introspect(ema.token()).json()

    assert answer["active"] is True
    assert answer["act"] == {"sub": ema.idp.issuer}
    assert answer["sub"] == f"{ema.idp.issuer}:ann"


# Possession


def test_a_proof_binds_the_token(ema):
    ema.client.dpop = DPoPKey()

    answer = ema.redeem().json()

    assert answer["token_type"] == "DPoP"
    assert ema.client.claims(answer["access_token"])["cnf"] == {"jkt": ema.client.dpop.jkt}


def test_an_assertion_bound_to_a_key_needs_its_proof(ema):
    key = DPoPKey()
    assertion = ema.assertion(cnf={"jkt": key.jkt})
    refuse(ema, assertion, "assertion_key", OTHER_KEY)
    ema.client.dpop = DPoPKey()
    refuse(ema, assertion, "assertion_key", OTHER_KEY)

    ema.client.dpop = key
    still_good(ema, assertion)


@pytest.mark.parametrize("cnf", [{}, [], "x", {"jkt": ""}, {"jwk": {}}, {"x5t#S256": "x"}, 7])
def test_a_binding_that_nobody_can_prove_is_refused(ema, cnf):
    refuse(ema, ema.assertion(cnf=cnf), "assertion_key", OTHER_KEY)


def test_a_demand_for_a_nonce_spends_nothing(ema, override_config):
    override_config(dpop={"require_nonce": True})
    ema.client.dpop = DPoPKey()

    answer = ema.redeem()

    assert answer.status_code == 200, answer.text


def test_a_replayed_proof_leaves_the_assertion_good(ema):
    ema.client.dpop = key = DPoPKey()
    proof = key.proof("http://localhost:9000/oauth/token")
    assert ema.redeem(headers={"DPoP": proof}).status_code == 200
    assertion = ema.assertion()
    with nothing_changes():
        answer = ema.redeem(assertion, headers={"DPoP": proof})
    assert answer.json()["error"] == "invalid_dpop_proof"

    still_good(ema, assertion)


def test_the_assertion_survives_every_refusal_before_the_last(ema, override_config):
    """All refusals in the order of the checks, one assertion, then a token for it."""
    assertion = ema.assertion(scope="read")
    steps = itertools.count()

    def refused(error, **form):
        next(steps)
        with nothing_changes():
            assert ema.redeem(assertion, **form).json()["error"] == error

    refused("invalid_target", resource="https://nobody.example/")
    refused("invalid_scope", scope="write")
    ema.change_policy(enabled=False)
    refused("access_denied")
    ema.change_policy(enabled=True)
    override_config(xaa={"subject_mode": "strict"})
    refused("access_denied")
    override_config(xaa={"subject_mode": "auto_map"})

    still_good(ema, assertion)
    refused("invalid_grant")
    assert next(steps) == 5


def test_metadata_says_so(ema, override_config):
    profile = "urn:ietf:params:oauth:grant-profile:id-jag"
    document = ema.client.metadata()
    assert document["authorization_grant_profiles_supported"] == [profile]
    assert grant_type() in document["grant_types_supported"]


def grant_type():
    return "urn:ietf:params:oauth:grant-type:jwt-bearer"


def allow_grants(ema, grants):
    set_policy(ema, grant_types=grants)


def set_policy(ema, **members):
    from oauth.models import Resource
    from oauth.resources import selectors

    row = Resource.objects.get(pk=ema.scene.resource.pk)
    row.policy = {**row.policy, **members}
    row.save()
    selectors.drop()
