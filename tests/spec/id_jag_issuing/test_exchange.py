"""ID-JAG draft, section "Token Exchange": we as the identity provider."""

from __future__ import annotations

import jwt
import pytest

from tests.support.assertions import (
    ID_JAG,
    REMOTE,
    REMOTE_RESOURCE,
    TYPES,
    make_audience,
    make_enterprise,
)
from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey
from tests.support.factories import driver_for, make_client, make_confidential_client
from tests.support.platforms import JWT_BEARER
from tests.support.record import recorded
from tests.support.refusals import (
    GRANT_TYPE_NOT_ALLOWED,
    INVALID_CLIENT,
    INVALID_GRANT,
    INVALID_SCOPE,
    INVALID_TARGET,
    SEVERAL_TARGETS,
    Refusal,
    assert_refused,
)
from tests.support.scene import change_client

NO_AUDIENCE = Refusal(400, "invalid_target", "no assertions are made for this audience")
NOT_LISTED = Refusal(403, "access_denied", "this client may not have assertions for this audience")
AUDIENCE_MISSING = Refusal(400, "invalid_request", "audience is missing")
NO_ACTOR = Refusal(400, "invalid_request", "an assertion takes no actor_token")
SUBJECT_MISSING = Refusal(400, "invalid_request", "subject_token is missing")
SUBJECT_TYPE = Refusal(400, "invalid_request", "subject_token_type is missing or not supported")


@pytest.fixture
def enterprise(scene):
    return make_enterprise(scene)


@pytest.mark.spec("ID-JAG", "4.3", "MUST", "the answer is an assertion and no access token")
@pytest.mark.shows("audit event", "assertion.issued")
@pytest.mark.shows("metric", "authplane_assertions_issued_total")
def test_a_signed_in_user_is_asserted(scene, enterprise, frozen_clock):
    from prometheus_client import REGISTRY

    before = REGISTRY.get_sample_value("authplane_assertions_issued_total") or 0
    answer = enterprise.assertion()

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {
        "access_token", "issued_token_type", "token_type", "expires_in", "scope",
    }  # fmt: skip
    assert (body["issued_token_type"], body["token_type"]) == (ID_JAG, "N_A")
    assert (body["expires_in"], body["scope"]) == (300, "chat.read")
    header = jwt.get_unverified_header(body["access_token"])
    assert header["typ"] == "oauth-id-jag+jwt"
    assert header["kid"] in [key["kid"] for key in scene.client.jwks()["keys"]]
    claims = scene.client.claims(body["access_token"], audience=REMOTE)
    assert {name: claims[name] for name in claims if name not in {"jti", "iat", "exp"}} == {
        "iss": scene.client.issuer,
        "sub": str(scene.user.pk),
        "aud": REMOTE,
        "client_id": enterprise.client.client_id,
        "resource": REMOTE_RESOURCE,
        "scope": "chat.read",
    } | {name: claims[name] for name in ("auth_time", "acr", "amr") if name in claims}
    assert claims["exp"] - claims["iat"] == 300
    (issued,) = recorded("assertion.issued")
    assert issued["family"]
    assert {name: issued[name] for name in ("jti", "audience", "scopes", "resource")} == {
        "jti": claims["jti"],
        "audience": REMOTE,
        "scopes": "chat.read",
        "resource": REMOTE_RESOURCE,
    }
    assert REGISTRY.get_sample_value("authplane_assertions_issued_total") == before + 1


def test_the_ledger_ties_it_to_its_family(enterprise):
    from oauth.models import AccessToken, TokenFamily

    token = enterprise.assertion().json()["access_token"]

    row = AccessToken.objects.get(pk=enterprise.client.claims(token)["jti"])
    assert (row.kind, row.resource, row.parent) == ("assertion", REMOTE, None)
    assert row.family_id == TokenFamily.objects.get().pk


def test_an_access_token_for_this_server_will_do(scene, enterprise):
    from oauth.models import AccessToken

    for kind in ("access_token", "jwt"):
        subject = enterprise.sign_in()["access_token"]
        answer = enterprise.assertion(subject, kind=kind)

        assert answer.status_code == 200, answer.text
        claims = enterprise.client.claims(answer.json()["access_token"], audience=REMOTE)
        assert claims["sub"] == str(scene.user.pk)
        row = AccessToken.objects.get(pk=claims["jti"])
        assert str(row.parent) == enterprise.client.claims(subject)["jti"]


@pytest.mark.spec("ID-JAG", "4.3", "MAY", "a refresh token is a subject token, and stays good")
def test_the_refresh_token_is_looked_at_and_not_used(enterprise):
    refresh_token = enterprise.sign_in()["refresh_token"]

    answers = [enterprise.assertion(refresh_token) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["access_token"] != answers[1].json()["access_token"]
    assert enterprise.client.refresh(refresh_token).status_code == 200


@pytest.mark.spec("ID-JAG", "6", "MAY", "the client has the id by which the other server knows it")
def test_the_client_is_known_by_another_name_over_there(enterprise):
    enterprise.change(remote_client_ids={enterprise.client.client_id: "client-7"})

    token = enterprise.assertion().json()["access_token"]

    assert enterprise.client.claims(token)["client_id"] == "client-7"


def test_the_address_is_told_only_where_the_user_allowed_it(scene, enterprise):
    for kind in ("refresh_token", "access_token"):
        told = enterprise.sign_in(scope="openid email")[kind]
        token = enterprise.assertion(told, kind=kind).json()["access_token"]
        assert enterprise.client.claims(token)["email"] == scene.user.email
    quiet = enterprise.sign_in(scope="openid")["refresh_token"]
    assert "email" not in enterprise.client.claims(
        enterprise.assertion(quiet).json()["access_token"]
    )


# --- What it is not ------------------------------------------------------------------------------


@pytest.mark.spec("ID-JAG", "7.3", "MUST", "an identity provider does not take its own assertions")
def test_we_do_not_take_it_ourselves(scene, enterprise):
    token = enterprise.assertion().json()["access_token"]
    change_client(enterprise.client, grant_types=[JWT_BEARER], scope="chat.read")

    with nothing_changes():
        answer = enterprise.client.token(grant_type=JWT_BEARER, assertion=token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("RFC 8725", "3.11", "SHOULD", "an assertion is not taken for an access token")
def test_it_is_no_access_token(scene, enterprise):
    token = enterprise.assertion().json()["access_token"]

    assert enterprise.client.introspect(token).json() == {"active": False}
    assert scene.client.userinfo(token).status_code == 401
    with nothing_changes():
        assert_refused(enterprise.assertion(token, kind="access_token"), INVALID_GRANT)
        assert_refused(enterprise.assertion(token, kind="refresh_token"), INVALID_GRANT)


# --- Who may ask for what ------------------------------------------------------------------------


def test_a_client_that_is_not_listed(enterprise):
    subject = enterprise.sign_in()["refresh_token"]
    enterprise.change(client_ids=[])

    with nothing_changes():
        assert_refused(enterprise.assertion(subject), NOT_LISTED)


@pytest.mark.shows("metric", "authplane_assertions_denied_total")
def test_an_audience_that_is_not_registered(enterprise):
    from prometheus_client import REGISTRY

    labels = {"reason": "audience_unknown"}
    subject = enterprise.sign_in()["refresh_token"]

    def denied():
        return REGISTRY.get_sample_value("authplane_assertions_denied_total", labels) or 0

    before = denied()
    with nothing_changes():
        for audience in ("https://unknown.example.com", REMOTE + "/", REMOTE.upper(), "x"):
            assert_refused(enterprise.assertion(subject, audience=audience), NO_AUDIENCE)
        assert_refused(enterprise.assertion(subject, audience=None), AUDIENCE_MISSING)
        both = [REMOTE, "https://unknown.example.com"]
        assert_refused(enterprise.assertion(subject, audience=both), NO_AUDIENCE)
    assert denied() == before + 5


def test_an_audience_that_is_switched_off(enterprise):
    subject = enterprise.sign_in()["refresh_token"]
    enterprise.change(enabled=False)

    with nothing_changes():
        assert_refused(enterprise.assertion(subject), NO_AUDIENCE)


def test_nobody_is_asserted_to_ourselves(enterprise):
    subject = enterprise.sign_in()["refresh_token"]
    enterprise.change(audience=enterprise.client.issuer)

    with nothing_changes():
        assert_refused(enterprise.assertion(subject), NO_AUDIENCE)


def test_resources_are_those_of_the_row(enterprise):
    subject = enterprise.sign_in()["refresh_token"]

    def resource(value):
        answer = enterprise.assertion(subject, resource=value)
        assert answer.status_code == 200, answer.text
        return enterprise.client.claims(answer.json()["access_token"]).get("resource")

    assert resource(None) == REMOTE_RESOURCE
    assert resource(REMOTE_RESOURCE + "/") == REMOTE_RESOURCE
    with nothing_changes():
        another = "https://another.example.com"
        assert_refused(enterprise.assertion(subject, resource=another), INVALID_TARGET)
        assert_refused(enterprise.assertion(subject, resource=REMOTE), INVALID_TARGET)
        several = [REMOTE_RESOURCE, another]
        assert_refused(enterprise.assertion(subject, resource=several), INVALID_TARGET)
    enterprise.change(resources=[REMOTE_RESOURCE, REMOTE])
    assert resource(REMOTE) == REMOTE
    with nothing_changes():
        assert_refused(enterprise.assertion(subject, resource=None), INVALID_TARGET)
        several = [REMOTE_RESOURCE, REMOTE]
        assert_refused(enterprise.assertion(subject, resource=several), SEVERAL_TARGETS)
    enterprise.change(resources=[])
    assert resource(None) is None
    with nothing_changes():
        assert_refused(enterprise.assertion(subject), INVALID_TARGET)


def test_scopes_are_those_of_the_row(enterprise):
    subject = enterprise.sign_in()["refresh_token"]

    def scope(value):
        answer = enterprise.assertion(subject, scope=value)
        assert answer.status_code == 200, answer.text
        claims = enterprise.client.claims(answer.json()["access_token"])
        assert claims.get("scope") == answer.json().get("scope")
        return claims.get("scope")

    assert scope("chat.write") == "chat.write"
    assert scope(None) == "chat.read chat.write"
    with nothing_changes():
        assert_refused(enterprise.assertion(subject, scope="chat.read admin"), INVALID_SCOPE)
        assert_refused(enterprise.assertion(subject, scope='"'), INVALID_SCOPE)
    enterprise.change(scopes=[])
    with nothing_changes():
        assert_refused(enterprise.assertion(subject, scope="chat.read"), INVALID_SCOPE)
        assert_refused(enterprise.assertion(subject, scope=None), INVALID_SCOPE)
    enterprise.change(scopes=None)
    assert scope("anything at.all") == "anything at.all"
    assert scope(None) is None


# --- Whose user ----------------------------------------------------------------------------------


def test_parameters_that_are_missing_or_too_many(enterprise):
    subject = enterprise.sign_in()["refresh_token"]

    with nothing_changes():
        assert_refused(enterprise.assertion(""), SUBJECT_MISSING)
        assert_refused(enterprise.assertion(subject, subject_token_type=None), SUBJECT_TYPE)
        for kind in ("id_token", "saml2", "id-jag", "x"):
            refused = enterprise.assertion(subject, subject_token_type=TYPES + kind)
            assert_refused(refused, SUBJECT_TYPE)
        assert_refused(
            enterprise.assertion(subject, actor_token="x", actor_token_type=TYPES + "jwt"), NO_ACTOR
        )


@pytest.mark.spec("ID-JAG", "4.3", "MUST", "the subject token is the authenticated client's own")
def test_another_clients_tokens(scene, enterprise):
    theirs = scene.client.tokens(scene.person, resource=None, scope="openid")
    with nothing_changes():
        for kind in ("refresh_token", "access_token"):
            assert_refused(enterprise.assertion(theirs[kind], kind=kind), INVALID_GRANT)
        for nonsense in ("x", "x.y.z", "\N{SNOWMAN}", "e" * 20000):
            assert_refused(enterprise.assertion(nonsense), INVALID_GRANT)
            assert_refused(enterprise.assertion(nonsense, kind="access_token"), INVALID_GRANT)


def test_an_access_token_for_a_resource_says_nothing_about_sign_in(scene, enterprise):
    subject = enterprise.sign_in(resource=scene.resource.uri, scope="read")

    with nothing_changes():
        refused = enterprise.assertion(subject["access_token"], kind="access_token")
        assert_refused(refused, INVALID_GRANT)
    assert enterprise.assertion(subject["refresh_token"]).status_code == 200


def test_a_machine_is_nobody_to_assert(enterprise):
    change_client(
        enterprise.client,
        grant_types=["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
    )
    token = enterprise.client.client_credentials().json()["access_token"]

    with nothing_changes():
        assert_refused(enterprise.assertion(token, kind="access_token"), INVALID_GRANT)


def test_a_delegates_token_does_not_become_the_user(enterprise):
    """An assertion has no place for who acts; a row that knows of one is refused."""
    from oauth.models import AccessToken

    subject = enterprise.sign_in()["access_token"]
    jti = enterprise.client.claims(subject)["jti"]
    AccessToken.objects.filter(pk=jti).update(actors={"sub": "somebody"})

    with nothing_changes():
        assert_refused(enterprise.assertion(subject, kind="access_token"), INVALID_GRANT)


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize("end", ["revoked", "used", "user", "expired", "suspended"])
def test_a_subject_token_that_no_longer_counts(scene, enterprise, frozen_clock, kind, end):
    tokens = enterprise.sign_in()
    if end == "revoked":
        enterprise.client.revoke(tokens["refresh_token"])
    elif end == "used":
        assert enterprise.client.refresh(tokens["refresh_token"]).status_code == 200
    elif end == "user":
        scene.user.status = "disabled"
        scene.user.save()
    elif end == "suspended":
        change_client(enterprise.client, status="suspended")
    else:
        frozen_clock.shift(86400 * 365)

    if (end, kind) == ("used", "access_token"):
        assert enterprise.assertion(tokens[kind], kind=kind).status_code == 200
        return
    with nothing_changes():
        answer = enterprise.assertion(tokens[kind], kind=kind)
        assert_refused(answer, INVALID_CLIENT if end == "suspended" else INVALID_GRANT)


def test_a_used_refresh_token_ends_no_family_here(enterprise):
    tokens = enterprise.sign_in()
    renewed = enterprise.client.refresh(tokens["refresh_token"]).json()

    with nothing_changes():
        assert_refused(enterprise.assertion(tokens["refresh_token"]), INVALID_GRANT)
    assert enterprise.assertion(renewed["refresh_token"]).status_code == 200


@pytest.mark.shows("setting", "xaa.assertion_expiry")
def test_it_never_outlives_its_subject(scene, enterprise, frozen_clock, override_config):
    subject = enterprise.sign_in()["access_token"]
    frozen_clock.shift(900 - 70)
    assert enterprise.assertion(subject, kind="access_token").json()["expires_in"] == 70
    frozen_clock.shift(70)
    with nothing_changes():
        assert_refused(enterprise.assertion(subject, kind="access_token"), INVALID_GRANT)

    override_config(tokens={"assertion_ttl": 60})

    token = enterprise.assertion().json()
    assert token["expires_in"] == 60
    claims = enterprise.client.claims(token["access_token"])
    assert claims["exp"] - claims["iat"] == 60


def test_public_clients_and_clients_without_the_grant(scene, enterprise):
    subject = enterprise.sign_in()["refresh_token"]
    change_client(enterprise.client, grant_types=["authorization_code", "refresh_token"])
    with nothing_changes():
        assert_refused(enterprise.assertion(subject), GRANT_TYPE_NOT_ALLOWED)
    row = make_client(
        grant_types=["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"]
    )
    public = driver_for(row, base=scene.client)
    subject = public.tokens(scene.person, resource=None, scope="openid")["access_token"]
    enterprise.change(client_ids=[row.client_id])
    enterprise.client = public
    with nothing_changes():
        assert_refused(enterprise.assertion(subject, kind="access_token"), INVALID_CLIENT)


def test_two_audiences_have_two_policies(enterprise, scene):
    other = make_audience(audience="https://second.example.com", client_ids=[], scopes=None)
    subject = enterprise.sign_in()["refresh_token"]

    with nothing_changes():
        assert_refused(enterprise.assertion(subject, audience=other.audience), NOT_LISTED)
    assert enterprise.assertion(subject).status_code == 200


def test_another_users_client_learns_nothing(scene, enterprise):
    """The refusal of a stolen token is that of one that does not exist."""
    thief = make_confidential_client(
        grant_types=["urn:ietf:params:oauth:grant-type:token-exchange"]
    )
    subject = enterprise.sign_in()["refresh_token"]
    enterprise.change(client_ids=[enterprise.client.client_id, thief.row.client_id])
    enterprise.client = driver_for(thief, base=scene.client)

    with nothing_changes():
        stolen, invented = enterprise.assertion(subject), enterprise.assertion("x" * 43)
    assert stolen.json() == invented.json()


@pytest.mark.spec("ID-JAG", "7", "SHOULD", "the metadata names the assertions that are made")
def test_the_metadata_says_so(scene, override_config):
    member = "identity_chaining_requested_token_types_supported"
    assert scene.client.metadata()[member] == [ID_JAG]
    assert "none" in scene.client.metadata()["token_endpoint_auth_methods_supported"]

    override_config(features={"token_exchange": False})

    assert member not in scene.client.metadata()


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_how_the_user_signed_in_is_told(enterprise, kind):
    subject = enterprise.sign_in()

    token = enterprise.assertion(subject[kind], kind=kind).json()["access_token"]

    asserted, known = (enterprise.client.claims(each) for each in (token, subject["access_token"]))
    told = {name: known[name] for name in ("auth_time", "acr", "amr") if name in known}
    assert told["auth_time"]
    assert {name: asserted.get(name) for name in told} == told


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_a_subject_that_ends_while_it_is_asserted(enterprise, monkeypatch, kind):
    """Revoked between the look at it and the statement that records: nothing is issued."""
    from oauth.models import AccessToken, TokenFamily
    from oauth.xaa import issuing

    subject = enterprise.sign_in()[kind]
    decide = issuing.read_subject

    def decide_and_revoke(*args, **options):
        found = decide(*args, **options)
        TokenFamily.objects.update(revoked_at=found.expires)
        return found

    monkeypatch.setattr(issuing, "read_subject", decide_and_revoke)
    assert_refused(enterprise.assertion(subject, kind=kind), INVALID_GRANT)
    assert not AccessToken.objects.filter(kind="assertion").exists()


@pytest.mark.spec("ID-JAG", "7.4.1.1", "MUST", "an assertion is bound to the key that was proved")
def test_it_is_bound_to_the_key_that_was_proved(enterprise):
    subject = enterprise.sign_in()["refresh_token"]
    enterprise.client.dpop = key = DPoPKey()

    answer = enterprise.assertion(subject)

    assert answer.json()["token_type"] == "N_A"
    assert enterprise.client.claims(answer.json()["access_token"])["cnf"] == {"jkt": key.jkt}


def test_a_bound_access_token_needs_its_key(enterprise):
    enterprise.client.dpop = DPoPKey()
    subject = enterprise.sign_in()["access_token"]
    assert enterprise.assertion(subject, kind="access_token").status_code == 200

    for key in (None, DPoPKey()):
        enterprise.client.dpop = key
        with nothing_changes():
            answer = enterprise.assertion(subject, kind="access_token")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
