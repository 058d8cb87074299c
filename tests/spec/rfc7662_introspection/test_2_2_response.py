"""RFC 7662 section 2.2: what is told, and to whom."""

from __future__ import annotations

import uuid

import pytest

from tests.support import forged
from tests.support.digests import nothing_changes
from tests.support.factories import make_resource
from tests.support.record import reasons, recorded
from tests.support.scene import change_client

INACTIVE = {"active": False}


@pytest.mark.shows("audit event", "token.introspected")
def test_an_active_token_of_a_user_is_described(scene):
    token = scene.tokens()["access_token"]
    claims = scene.client.claims(token)

    with nothing_changes():
        answer = scene.watcher.introspect(token)

    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert answer.json() == {
        "active": True,
        "scope": "read",
        "client_id": scene.client.client_id,
        "sub": str(scene.user.pk),
        "username": scene.user.email,
        "aud": scene.resource.uri,
        "iss": scene.client.issuer,
        "exp": claims["exp"],
        "iat": claims["iat"],
        "nbf": claims["nbf"],
        "jti": claims["jti"],
        "token_type": "Bearer",
        "auth_time": claims["auth_time"],
        "acr": "urn:authplane:acr:password",
        "amr": ["pwd"],
    }
    (event,) = recorded("token.introspected")
    assert event == {"jti": claims["jti"], "issuing_client": scene.client.client_id}


def test_a_token_of_a_machine_names_no_user(scene):
    answer = scene.machine.introspect(scene.machine_token()).json()

    assert answer["sub"] == answer["client_id"] == scene.machine.client_id
    assert "username" not in answer


def test_an_agent_is_named(scene):
    change_client(scene.machine, is_agent=True)

    answer = scene.machine.introspect(scene.machine_token()).json()

    assert answer["agent_id"] == scene.machine.client_id


def test_the_client_that_got_the_token_may_ask(scene):
    token = scene.machine.tokens(scene.person)["access_token"]

    assert scene.machine.introspect(token).json()["active"] is True


@pytest.mark.spec(
    "Negative tests", "D8.19", "MUST", "the token of another client is inactive to a stranger"
)
@pytest.mark.spec("RFC 7662", "2.2", "SHOULD", "a token of others is inactive to a stranger")
@pytest.mark.spec("RFC 7662", "2.2", "MUST", "an inactive token reveals nothing but that")
@pytest.mark.shows("audit event", "token.introspect_denied")
def test_a_stranger_learns_nothing(scene):
    stranger = scene.another_machine()
    tokens = scene.machine.tokens(scene.person)

    for token in (scene.machine_token(), tokens["access_token"], tokens["refresh_token"]):
        with nothing_changes():
            assert stranger.introspect(token).json() == INACTIVE
    assert set(reasons("token.introspect_denied")) == {"caller_not_authorized_for_token"}


def test_the_server_of_another_resource_is_a_stranger(scene):
    other = make_resource(policy={"runtime": {"client_ids": [scene.machine.client_id]}})
    token = scene.tokens()["access_token"]

    assert scene.machine.introspect(token).json() == INACTIVE
    assert scene.watcher.introspect(scene.machine_token(resource=other.uri)).json() == INACTIVE


def test_nobody_acts_as_the_issuer(scene):
    from oauth.models import Resource

    Resource.objects.filter(backend_kind="issuer").update(
        policy={"runtime": {"client_ids": [scene.watcher.client_id]}}
    )

    assert scene.watcher.introspect(scene.machine_token(resource=None)).json() == INACTIVE


@pytest.mark.spec("RFC 7662", "4", "MUST", "expired, revoked and forged tokens are inactive")
@pytest.mark.spec("RFC 7662", "2.2", "MUST", "an inactive token reveals nothing but that")
@pytest.mark.parametrize(
    "token",
    [
        "unknown", "x" * 43, "x" * 5000, "..", "a.b.c", "e30.e30.e30", "\N{SNOWMAN}", " ",
        "eyJhbGciOiJub25lIn0.e30.", "." * 100,
    ],
)  # fmt: skip
def test_what_is_no_token_is_inactive(scene, token):
    with nothing_changes():
        answer = scene.machine.introspect(token)

    assert (answer.status_code, answer.content) == (200, b'{"active":false}')
    assert reasons("token.introspect_denied") == ["invalid_token"]


@pytest.mark.spec("RFC 7662", "4", "MUST", "expired, revoked and forged tokens are inactive")
@pytest.mark.spec("RFC 7519", "4.1.4", "MUST", "an expired token is not accepted")
def test_an_expired_token_is_inactive(frozen_clock, scene):
    token = scene.tokens()["access_token"]

    frozen_clock.shift(900 + 29)
    assert scene.is_active(token), "clocks may differ by half a minute"
    frozen_clock.shift(1)
    with nothing_changes():
        assert scene.watcher.introspect(token).json() == INACTIVE


@pytest.mark.shows("setting", "tokens.clock_skew")
def test_the_tolerance_for_clocks_can_be_set(frozen_clock, scene, override_config):
    override_config(tokens={"clock_skew": 0})
    token = scene.tokens()["access_token"]

    frozen_clock.shift(899)
    assert scene.is_active(token)
    frozen_clock.shift(1)
    assert not scene.is_active(token)


@pytest.mark.spec("RFC 7662", "4", "MUST", "expired, revoked and forged tokens are inactive")
def test_a_revoked_token_is_inactive(scene):
    token = scene.machine_token()
    scene.machine.revoke(token)

    with nothing_changes():
        assert scene.machine.introspect(token).json() == INACTIVE
    assert reasons("token.introspect_denied") == ["issuance_revoked"]


def test_tokens_of_a_revoked_family_are_inactive(scene):
    tokens = scene.machine.tokens(scene.person)
    scene.machine.revoke(tokens["refresh_token"])

    for token in tokens["access_token"], tokens["refresh_token"]:
        assert scene.machine.introspect(token).json() == INACTIVE


def test_a_token_that_was_just_being_issued_when_its_family_ended_is_inactive(scene):
    """Its own ledger row does not know yet; the family's row does."""
    from oauth.models import AccessToken

    tokens = scene.tokens()
    scene.client.revoke(tokens["refresh_token"])
    AccessToken.objects.update(revoked_at=None, revoked_reason="")

    assert scene.watcher.introspect(tokens["access_token"]).json() == INACTIVE
    assert reasons("token.introspect_denied") == ["token_revoked"]


@pytest.mark.spec(
    "Negative tests", "D8.30", "MUST", "what ended opens nothing from the next request on"
)
@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_tokens_of_a_client_stopped_a_moment_ago_are_inactive(scene, status):
    from oauth.models import Client

    token = scene.tokens()["access_token"]
    # No cache is told: the statement that reads the ledger reads the client's status as well.
    Client.objects.filter(client_id=scene.client.client_id).update(status=status)

    with nothing_changes():
        assert scene.watcher.introspect(token).json() == INACTIVE
    assert reasons("token.introspect_denied") == ["issuing_client_inactive"]


@pytest.mark.spec(
    "Negative tests", "D8.30", "MUST", "what ended opens nothing from the next request on"
)
def test_tokens_of_a_disabled_user_are_inactive(scene):
    tokens = scene.machine.tokens(scene.person)
    scene.user.status = "disabled"
    scene.user.save()

    for token in tokens["access_token"], tokens["refresh_token"]:
        with nothing_changes():
            assert scene.machine.introspect(token).json() == INACTIVE
    assert "subject_inactive" in reasons("token.introspect_denied")


def test_a_token_that_the_ledger_does_not_know_is_inactive(scene):
    """Signed by us, and yet nobody was given it: a key that leaked must not be enough."""
    made_up = forged.signed_by_us(client_id=scene.machine.client_id, jti=str(uuid.uuid4()))
    odd = forged.signed_by_us(client_id=scene.machine.client_id, jti="not an id of ours")

    for token in made_up, odd:
        assert scene.machine.introspect(token).json() == INACTIVE


def test_a_token_whose_family_is_gone_is_inactive(scene):
    from oauth.models import TokenFamily

    token = scene.tokens()["access_token"]
    TokenFamily.objects.all().delete()

    assert scene.watcher.introspect(token).json() == INACTIVE


def test_a_token_whose_client_is_gone_is_inactive(scene):
    from oauth.models import Client

    token = scene.machine.tokens(scene.person)["access_token"]
    Client.objects.filter(client_id=scene.machine.client_id).delete()

    assert scene.watcher.introspect(token).json() == INACTIVE


# --- Refresh tokens ------------------------------------------------------------------------------


def test_a_refresh_token_is_described_to_its_own_client(frozen_clock, scene):
    tokens = scene.machine.tokens(scene.person)
    issued = int(frozen_clock.time()) if hasattr(frozen_clock, "time") else None

    answer = scene.machine.introspect(tokens["refresh_token"]).json()

    assert answer["exp"] - answer["iat"] == 7 * 86_400
    assert issued is None or answer["iat"] == issued
    assert {name: answer[name] for name in answer if name not in {"exp", "iat"}} == {
        "active": True,
        "scope": "read",
        "client_id": scene.machine.client_id,
        "sub": str(scene.user.pk),
        "username": scene.user.email,
        "aud": scene.resource.uri,
        "iss": scene.machine.issuer,
        "token_type": "refresh_token",
    }


def test_the_resource_server_learns_nothing_about_refresh_tokens(scene):
    tokens = scene.machine.tokens(scene.person)

    assert scene.watcher.introspect(tokens["refresh_token"]).json() == INACTIVE


def test_a_used_refresh_token_is_inactive(scene):
    first = scene.machine.tokens(scene.person)
    second = scene.machine.refresh(first["refresh_token"]).json()

    assert scene.machine.introspect(first["refresh_token"]).json() == INACTIVE
    assert scene.machine.introspect(second["refresh_token"]).json()["active"] is True


def test_asking_about_a_refresh_token_does_not_use_it(scene):
    first = scene.machine.tokens(scene.person)
    with nothing_changes():
        scene.machine.introspect(first["refresh_token"])

    assert scene.machine.refresh(first["refresh_token"]).status_code == 200


def test_an_expired_refresh_token_is_inactive(frozen_clock, scene):
    tokens = scene.machine.tokens(scene.person)

    frozen_clock.shift(7 * 86_400)
    assert scene.machine.introspect(tokens["refresh_token"]).json() == INACTIVE
