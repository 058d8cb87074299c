"""RFC 8693 section 2.1: the request, parameter by parameter, and the tokens in it."""

from __future__ import annotations

import uuid

import pytest

from tests.support.digests import nothing_changes
from tests.support.exchanging import ACCESS_TOKEN, EXCHANGE, JWT, row
from tests.support.refusals import (
    GRANT_TYPE_DISABLED,
    GRANT_TYPE_NOT_ALLOWED,
    INVALID_CLIENT,
    INVALID_GRANT,
    INVALID_SCOPE,
    INVALID_TARGET,
    SEVERAL_TARGETS,
    Refusal,
    assert_refused,
)
from tests.support.scene import change_client, forget_clients

MISSING = Refusal(400, "invalid_request", "subject_token is missing")
SUBJECT_TYPE = Refusal(400, "invalid_request", "subject_token_type is missing or not supported")
ACTOR_TYPE = Refusal(400, "invalid_request", "actor_token_type is not supported")
REQUESTED_TYPE = Refusal(400, "invalid_request", "requested_token_type is not supported")
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


@pytest.fixture
def allowed(delegation):
    """The user allowed everything, so that nothing but the tested defect is in the way."""
    delegation.consent("read", "write")
    return delegation


# --- Parameters ----------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8693", "2.1", "MUST", "subject_token and subject_token_type are required")
@pytest.mark.parametrize(
    ("parameter", "expected"),
    [("subject_token", MISSING), ("subject_token_type", SUBJECT_TYPE)],
)
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_required(allowed, parameter, expected, value):
    token = allowed.subject_token()

    with nothing_changes():
        answer = allowed.gateway.exchange(
            **({"subject_token": token, "resource": allowed.back.uri} | {parameter: value})
        )
        assert_refused(answer, expected)


@pytest.mark.parametrize("kind", [ACCESS_TOKEN, JWT])
def test_an_access_token_may_be_called_a_jwt(allowed, kind):
    assert allowed.exchange(subject_token_type=kind).status_code == 200


@pytest.mark.parametrize("kind", [ID_TOKEN, "access_token", "urn:example:other"])
def test_other_types_of_subject_tokens_are_refused(allowed, kind):
    token = allowed.subject_token()

    with nothing_changes():
        assert_refused(allowed.exchange(token, subject_token_type=kind), SUBJECT_TYPE)


@pytest.mark.spec(
    "RFC 8693", "2.1", "MUST NOT", "actor_token_type is not sent without an actor_token"
)
def test_a_type_without_an_actor_token_is_refused(allowed):
    token = allowed.subject_token()

    with nothing_changes():
        assert_refused(allowed.exchange(token, actor_token_type=ACCESS_TOKEN), ACTOR_TYPE)


def test_an_actor_token_of_another_type_is_refused(allowed):
    token, actor = allowed.subject_token(), allowed.scene.machine_token()

    with nothing_changes():
        assert_refused(
            allowed.exchange(token, actor_token=actor, actor_token_type=ID_TOKEN), ACTOR_TYPE
        )


@pytest.mark.parametrize("kind", [ACCESS_TOKEN, JWT])
def test_an_access_token_may_be_asked_for_by_name(allowed, kind):
    body = allowed.exchanged(requested_token_type=kind)

    assert body["issued_token_type"] == ACCESS_TOKEN


@pytest.mark.parametrize("kind", [ID_TOKEN, "urn:ietf:params:oauth:token-type:refresh_token", "x"])
def test_other_kinds_of_tokens_are_not_made(allowed, kind):
    token = allowed.subject_token()

    with nothing_changes():
        assert_refused(allowed.exchange(token, requested_token_type=kind), REQUESTED_TYPE)


@pytest.mark.spec("RFC 8693", "2.1", "OPTIONAL", "the target is named by resource or by audience")
def test_the_target_may_be_named_by_uri_slug_and_audience(allowed):
    uri, slug = allowed.back.uri, allowed.back.slug
    for named in (
        {"resource": uri},
        {"resource": slug},
        {"resource": None, "audience": uri},
        {"resource": [uri, slug], "audience": uri},
    ):
        token = allowed.exchanged(**named)["access_token"]

        assert [uri] == allowed.claims(token)["aud"]


def test_values_that_name_two_resources_are_refused(allowed):
    token = allowed.subject_token()

    with nothing_changes():
        answer = allowed.exchange(token, resource=[allowed.back.uri, allowed.front.uri])
        assert_refused(answer, SEVERAL_TARGETS)


@pytest.mark.spec("RFC 8693", "2.2.2", "SHOULD", "a target that cannot be served is invalid_target")
@pytest.mark.parametrize(
    "resource", ["https://nobody.example.com", "nobody", "http://localhost:9000"]
)
def test_an_unknown_target_and_this_server_itself_are_refused(allowed, resource):
    """Tokens for this server let their holder speak in the user's name: only users give them."""
    token = allowed.subject_token()

    with nothing_changes():
        assert_refused(allowed.exchange(token, resource=resource), INVALID_TARGET)


@pytest.mark.parametrize("scope", ["read  write", 'read"', "unknown", "read unknown"])
def test_a_scope_that_the_target_does_not_have_is_refused(allowed, scope):
    token = allowed.subject_token()

    with nothing_changes():
        assert_refused(allowed.exchange(token, scope=scope), INVALID_SCOPE)


def test_offline_access_is_accepted_and_left_out(allowed):
    assert "read" == allowed.exchanged(scope="read offline_access")["scope"]


# --- The client ----------------------------------------------------------------------------------


def test_the_client_authenticates_first(allowed):
    token = allowed.subject_token()
    allowed.gateway.client_secret = "wrong"

    with nothing_changes():
        assert_refused(allowed.exchange(token, subject_token_type="x"), INVALID_CLIENT)


def test_a_public_client_is_refused(allowed):
    """Anybody can be a public client: its exchange would be anybody's."""
    token = allowed.subject_token()
    change_client(allowed.agent, grant_types=["authorization_code", "refresh_token", EXCHANGE])

    with nothing_changes():
        assert_refused(allowed.agent.exchange(token, resource=allowed.back.uri), INVALID_CLIENT)


def test_a_client_without_the_grant_is_refused(allowed):
    token = allowed.subject_token()
    change_client(allowed.gateway, grant_types=["client_credentials"])

    with nothing_changes():
        assert_refused(allowed.exchange(token), GRANT_TYPE_NOT_ALLOWED)


@pytest.mark.shows("setting", "token_exchange.enabled")
def test_a_server_that_does_not_exchange_says_so(allowed, override_config):
    token = allowed.subject_token()
    override_config(features={"token_exchange": False})

    with nothing_changes():
        assert_refused(allowed.exchange(token), GRANT_TYPE_DISABLED)
    assert EXCHANGE not in allowed.agent.metadata()["grant_types_supported"]


def test_the_grant_is_announced(allowed):
    assert EXCHANGE in allowed.agent.metadata()["grant_types_supported"]


def test_a_client_that_registers_itself_may_exchange_its_own_tokens_only(allowed):
    itself = allowed.agent.sibling()
    registered = itself.register(
        grant_types=["authorization_code", EXCHANGE],
        token_endpoint_auth_method="client_secret_basic",
    )
    assert registered.status_code == 201, registered.text
    allowed.policy(allowed.back)

    refused = itself.exchange(allowed.subject_token(), resource=allowed.back.uri)

    assert (403, "access_denied") == (refused.status_code, refused.json()["error"])


# --- The subject token ---------------------------------------------------------------------------


@pytest.mark.spec("RFC 8693", "2.1", "MUST", "the subject token is validated")
@pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.e30", "x" * 20_000])
def test_what_is_no_token_of_ours_is_refused(allowed, token):
    with nothing_changes():
        assert_refused(allowed.exchange(token), INVALID_GRANT)


def test_a_refresh_token_is_no_subject_token_here(allowed):
    tokens = allowed.agent.tokens(allowed.scene.person)

    with nothing_changes():
        assert_refused(allowed.exchange(tokens["refresh_token"]), INVALID_GRANT)


def test_an_altered_token_is_refused(allowed):
    head, body, proof = allowed.subject_token().split(".")
    swapped = proof[:-2] + ("AA" if proof[-2:] != "AA" else "BB")

    with nothing_changes():
        assert_refused(allowed.exchange(f"{head}.{body}.{swapped}"), INVALID_GRANT)


@pytest.mark.spec("Negative tests", "D8.25", "MUST", "an expired token is exchanged for nothing")
def test_an_expired_token_is_refused_without_any_grace(allowed, frozen_clock):
    """Verification grants a clock skew; a token in its skew has nothing left to pass on."""
    token = allowed.subject_token()
    frozen_clock.shift(900)

    with nothing_changes():
        assert_refused(allowed.exchange(token), INVALID_GRANT)


def test_a_token_that_the_ledger_does_not_know_is_refused(allowed):
    from oauth.models import AccessToken

    token = allowed.subject_token()
    AccessToken.objects.all().delete()

    with nothing_changes():
        assert_refused(allowed.exchange(token), INVALID_GRANT)


def test_a_revoked_token_is_refused(allowed):
    token = allowed.subject_token()
    assert allowed.agent.revoke(token).status_code == 200

    with nothing_changes():
        assert_refused(allowed.exchange(token), INVALID_GRANT)


def test_a_token_of_a_disabled_user_is_refused(allowed):
    from authplane.accounts.services import disable_user

    token = allowed.subject_token()
    disable_user(user_id=allowed.user.pk)

    with nothing_changes():
        assert_refused(allowed.exchange(token), INVALID_GRANT)


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_a_token_of_a_suspended_client_is_refused(allowed, status):
    token = allowed.subject_token()
    change_client(allowed.agent, status=status)

    with nothing_changes():
        assert_refused(allowed.exchange(token), INVALID_GRANT)


def test_a_token_whose_family_ended_is_refused(allowed):
    from authplane.core import clock
    from oauth.models import TokenFamily

    token = allowed.subject_token()
    TokenFamily.objects.update(revoked_at=clock.now())

    with nothing_changes():
        assert_refused(allowed.exchange(token), INVALID_GRANT)


def test_an_exchanged_token_ends_with_the_first_one(allowed):
    """Whatever ended is asked all the way up, when it is used and when it is exchanged again."""
    from oauth.models import ConsentGrant

    first = allowed.subject_token()
    second = allowed.exchanged(first)["access_token"]
    ConsentGrant.objects.create(
        user=allowed.user, client=row(allowed.gateway), resource=allowed.back, scopes=["read"]
    )
    assert allowed.scene.is_active(second)
    allowed.agent.revoke(first)

    assert not allowed.scene.is_active(second)
    with nothing_changes():
        assert_refused(allowed.exchange(second), INVALID_GRANT)


# --- The actor token -----------------------------------------------------------------------------


def test_the_type_of_an_actor_token_may_be_left_out(allowed):
    actor = allowed.scene.machine_token()

    assert allowed.exchange(actor_token=actor).status_code == 200


@pytest.mark.parametrize("kind", ["garbage", "revoked", "of a suspended client"])
def test_an_actor_token_is_held_to_the_same(allowed, kind):
    subject, actor = allowed.subject_token(), allowed.scene.machine_token()
    if kind == "garbage":
        actor = "a.b.c"
    elif kind == "revoked":
        allowed.scene.machine.revoke(actor)
    else:
        change_client(allowed.scene.machine, status="suspended")

    with nothing_changes():
        answer = allowed.exchange(subject, actor_token=actor, actor_token_type=ACCESS_TOKEN)
        assert_refused(answer, INVALID_GRANT)


def test_a_client_suspended_a_moment_ago_gets_nothing_although_a_cache_knows_it(allowed):
    """The row is read where the token is recorded, not from the cache of clients."""
    from oauth.models import Client

    token = allowed.subject_token()
    allowed.exchanged(token)
    Client.objects.filter(pk=row(allowed.gateway).pk).update(status="suspended")

    with nothing_changes():
        assert_refused(allowed.exchange(token), INVALID_CLIENT)
    forget_clients()


def test_somebody_else_s_key_makes_no_token_of_ours(allowed):
    import jwt

    from tests.support.published import signing_key

    key = signing_key("foreign")
    claims = {
        "iss": allowed.agent.issuer, "sub": str(allowed.user.pk), "aud": [allowed.front.uri],
        "client_id": allowed.agent.client_id, "scope": "read", "jti": str(uuid.uuid4()),
        "iat": 1, "exp": 9_999_999_999,
    }  # fmt: skip
    token = jwt.encode(
        claims, jwt.PyJWK.from_dict(key).key, algorithm="ES256",
        headers={"typ": "at+jwt", "kid": "foreign"},
    )  # fmt: skip

    with nothing_changes():
        assert_refused(allowed.exchange(token), INVALID_GRANT)
