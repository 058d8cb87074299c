"""RFC 7009: ending tokens. Who may, and what ends with it."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.record import recorded
from tests.support.refusals import (
    INVALID_CLIENT,
    INVALID_GRANT,
    METHODS_MIXED,
    PARAMETER_REPEATED,
    TOKEN_MISSING,
    TOO_LARGE,
    USE_POST,
    WANTS_FORM,
    assert_refused,
)
from tests.support.scene import change_client


def assert_done(answer) -> None:
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert "content-type" not in answer.headers


# --- What ends -----------------------------------------------------------------------------------


@pytest.mark.spec("RFC 7009", "2.1", "MUST", "revoking a refresh token ends its access tokens")
def test_a_refresh_token_ends_with_everything_of_its_family(scene):
    first = scene.tokens()
    second = scene.client.refresh(first["refresh_token"]).json()

    assert_done(scene.client.revoke(second["refresh_token"]))

    for each in first, second:
        assert not scene.is_active(each["access_token"])
    assert_refused(scene.client.refresh(second["refresh_token"]), INVALID_GRANT)
    (event,) = recorded("family.revoked")
    assert event["cause"] == "explicit"


def test_a_used_refresh_token_ends_its_family_as_well(scene):
    first = scene.tokens()
    second = scene.client.refresh(first["refresh_token"]).json()

    assert_done(scene.client.revoke(first["refresh_token"]))

    assert not scene.is_active(second["access_token"])


def test_another_family_goes_on(scene):
    first, other = scene.tokens(), scene.tokens()

    scene.client.revoke(first["refresh_token"])

    assert scene.is_active(other["access_token"])
    assert scene.client.refresh(other["refresh_token"]).status_code == 200


@pytest.mark.shows("audit event", "token.revoked")
def test_an_access_token_of_a_user_ends_alone(scene):
    tokens = scene.tokens()

    assert_done(scene.client.revoke(tokens["access_token"]))

    assert not scene.is_active(tokens["access_token"])
    assert scene.client.refresh(tokens["refresh_token"]).status_code == 200
    (event,) = recorded("token.revoked")
    assert event == {"jti": scene.client.claims(tokens["access_token"])["jti"]}


def test_an_access_token_from_a_refresh_can_be_ended(scene):
    second = scene.client.refresh(scene.tokens()["refresh_token"]).json()

    assert_done(scene.client.revoke(second["access_token"]))

    assert not scene.is_active(second["access_token"])


def test_an_access_token_of_a_machine_can_be_ended(scene):
    one, other = scene.machine_token(), scene.machine_token()

    assert_done(scene.machine.revoke(one))

    assert not scene.is_active(one)
    assert scene.is_active(other)


def test_an_expired_access_token_can_still_be_named(frozen_clock, scene):
    token = scene.machine_token()
    frozen_clock.shift(7200)

    assert_done(scene.machine.revoke(token))

    assert len(recorded("token.revoked")) == 1


def test_nothing_ends_without_a_record_of_it(scene, monkeypatch):
    from audit import record

    tokens, machine_token = scene.tokens(), scene.machine_token()

    def fail(*_):
        raise RuntimeError("the record is away")

    with monkeypatch.context() as broken:
        broken.setattr(record, "_insert", fail)
        with nothing_changes():
            assert scene.machine.revoke(machine_token).status_code == 500
            assert scene.client.revoke(tokens["access_token"]).status_code == 500
            assert scene.client.revoke(tokens["refresh_token"]).status_code == 500

    assert scene.is_active(machine_token)
    assert scene.is_active(tokens["access_token"])


def test_ending_twice_is_no_error_and_recorded_once(scene):
    tokens = scene.tokens()
    for _ in range(2):
        assert_done(scene.client.revoke(tokens["access_token"]))
        assert_done(scene.client.revoke(tokens["refresh_token"]))

    assert len(recorded("token.revoked")) == 1
    assert len(recorded("family.revoked")) == 1


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_a_wrong_hint_misleads_nobody(scene, hint):
    tokens = scene.tokens()

    assert_done(scene.client.revoke(tokens["refresh_token"], token_type_hint=hint))

    assert not scene.is_active(tokens["access_token"])


@pytest.mark.spec("Negative tests", "D8.18", "MUST", "strange tokens revoke nothing")
@pytest.mark.spec("RFC 7009", "2.2", "MUST", "an unknown token is answered with 200")
@pytest.mark.parametrize(
    "token",
    [
        "unknown",
        "x" * 10_000,
        "a.b.c",
        "..",
        "\N{SNOWMAN}",
        " ",
        "x,revoked.eq.false",
        "' OR 1=1 --",
    ],
    ids=lambda token: token[:8],
)
def test_an_unknown_token_is_answered_with_200(scene, token):
    with nothing_changes():
        assert_done(scene.client.revoke(token))

    with nothing_changes():
        assert_refused(scene.client.revoke(""), TOKEN_MISSING)


# --- Who may -------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 7009", "2.1", "MUST", "a token is revoked for its own client only")
def test_a_token_of_another_client_stays(scene):
    stranger, tokens, machine_token = scene.another_client(), scene.tokens(), scene.machine_token()

    with nothing_changes():
        for token in tokens["access_token"], tokens["refresh_token"], machine_token:
            assert_done(stranger.revoke(token))

    assert scene.is_active(tokens["access_token"])
    with nothing_changes():
        assert_refused(stranger.refresh(tokens["refresh_token"]), INVALID_GRANT)


def test_the_resource_server_may_not_end_tokens_of_its_clients(scene):
    token = scene.tokens()["access_token"]

    with nothing_changes():
        assert_done(scene.watcher.revoke(token))

    assert scene.is_active(token)


@pytest.mark.spec("RFC 7009", "2.1", "MUST", "revocation checks presented client credentials")
def test_a_wrong_secret_is_refused(scene):
    token, secret = scene.machine_token(), scene.machine.client_secret
    scene.machine.client_secret = "wrong"
    with nothing_changes():
        assert_refused(scene.machine.revoke(token), INVALID_CLIENT)

    scene.machine.client_secret = secret
    assert scene.is_active(token)


@pytest.mark.spec("RFC 7009", "2.1", "MUST", "revocation checks presented client credentials")
def test_an_unknown_client_is_refused(scene):
    token = scene.tokens()["access_token"]

    with nothing_changes():
        assert_refused(
            scene.post("/oauth/revoke", {"token": token, "client_id": "unknown"}),
            INVALID_CLIENT,
        )


@pytest.mark.spec("RFC 7009", "2.1", "MUST", "revocation checks presented client credentials")
def test_a_confidential_client_without_its_secret_is_refused(scene):
    token = scene.machine_token()

    with nothing_changes():
        assert_refused(
            scene.post("/oauth/revoke", {"token": token, "client_id": scene.machine.client_id}),
            INVALID_CLIENT,
        )


def test_two_authentication_methods_are_refused(scene):
    token = scene.machine_token()

    with nothing_changes():
        assert_refused(
            scene.machine.revoke(
                token,
                client_id=scene.machine.client_id,
                client_secret=scene.machine.client_secret,
            ),
            METHODS_MIXED,
        )


def test_a_suspended_client_is_refused(scene):
    tokens = scene.tokens()
    change_client(scene.client, status="suspended")

    with nothing_changes():
        assert_refused(scene.client.revoke(tokens["refresh_token"]), INVALID_CLIENT)


def test_whoever_holds_a_token_and_names_no_client_may_end_it(scene):
    tokens, machine_token = scene.tokens(), scene.machine_token()

    assert_done(scene.post("/oauth/revoke", {"token": machine_token}))
    assert_done(scene.post("/oauth/revoke", {"token": tokens["refresh_token"]}))

    assert not scene.is_active(machine_token)
    assert not scene.is_active(tokens["access_token"])


@pytest.mark.shows("setting", "oauth.revocation_requires_authentication")
def test_authentication_can_be_required(scene, override_config):
    override_config(oauth={"revocation_requires_authentication": True})
    token = scene.machine_token()

    with nothing_changes():
        assert_refused(scene.post("/oauth/revoke", {"token": token}), INVALID_CLIENT)
    assert_done(scene.machine.revoke(token))
    assert not scene.is_active(token)


# --- How -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_post_is_answered(scene, method):
    token = scene.machine_token()

    with nothing_changes():
        answer = scene.machine.http.request(
            method, "/oauth/revoke", params={"token": token}, headers={"Accept": "application/json"}
        )

    assert_refused(answer, USE_POST)
    assert answer.headers["allow"] == "POST, OPTIONS"


def test_options_names_what_is_offered(scene):
    answer = scene.machine.http.options("/oauth/revoke")

    assert answer.status_code in {200, 204}
    assert answer.headers["allow"] == "POST, OPTIONS"


def test_other_bodies_are_refused(scene):
    token = scene.machine_token()
    with nothing_changes():
        assert_refused(scene.machine.revoke([token, token]), PARAMETER_REPEATED)
        assert_refused(scene.machine.revoke("x" * 70_000), TOO_LARGE)
        answer = scene.machine.post_as_client(
            "/oauth/revoke", {"token": token}, headers={"Content-Type": "text/plain"}
        )
        assert_refused(answer, WANTS_FORM)
