"""RFC 7662 section 2.1: who may ask, and how."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.refusals import (
    INVALID_CLIENT,
    METHODS_MIXED,
    PARAMETER_REPEATED,
    TOKEN_MISSING,
    TOO_LARGE,
    USE_POST,
    WANTS_FORM,
    assert_refused,
)
from tests.support.scene import change_client

ACCEPT = {"Accept": "application/json"}


@pytest.mark.spec("RFC 7662", "2.1", "MUST", "introspection takes POST only")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_post_is_answered(scene, method):
    token = scene.machine_token()

    answer = scene.machine.http.request(
        method, "/oauth/introspect", params={"token": token}, headers=ACCEPT
    )

    assert_refused(answer, USE_POST)
    assert answer.headers["allow"] == "POST, OPTIONS"


@pytest.mark.spec("RFC 7662", "2.1", "MUST", "introspection needs authorization")
@pytest.mark.parametrize(
    "form", [{}, {"client_id": "unknown"}, {"client_id": "unknown", "client_secret": "x"}]
)
def test_an_anonymous_caller_is_refused(scene, form):
    body = {"token": scene.machine_token()} | form

    with nothing_changes():
        assert_refused(scene.post("/oauth/introspect", body), INVALID_CLIENT)


@pytest.mark.spec("RFC 7662", "2.1", "MUST", "introspection needs authorization")
def test_a_wrong_secret_is_refused(scene):
    token, scene.machine.client_secret = scene.machine_token(), "wrong"

    with nothing_changes():
        assert_refused(scene.machine.introspect(token), INVALID_CLIENT)


def test_a_public_client_proves_nothing_by_its_id(scene):
    tokens = scene.tokens()

    with nothing_changes():
        assert_refused(scene.client.introspect(tokens["access_token"]), INVALID_CLIENT)
        assert_refused(scene.client.introspect(tokens["refresh_token"]), INVALID_CLIENT)


def test_an_access_token_is_no_authorization_here(scene):
    token = scene.machine_token()

    answer = scene.post(
        "/oauth/introspect", {"token": token}, headers={"Authorization": f"Bearer {token}"}
    )

    assert_refused(answer, INVALID_CLIENT)


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_a_stopped_client_is_refused(scene, status):
    token = scene.machine_token()
    change_client(scene.machine, status=status)

    assert_refused(scene.machine.introspect(token), INVALID_CLIENT)


def test_two_authentication_methods_are_refused(scene):
    answer = scene.machine.introspect(
        scene.machine_token(),
        client_id=scene.machine.client_id,
        client_secret=scene.machine.client_secret,
    )

    assert_refused(answer, METHODS_MIXED)


@pytest.mark.parametrize("form", [{"token": None}, {"token": ""}])
def test_a_missing_token_is_refused(scene, form):
    assert_refused(scene.machine.post_as_client("/oauth/introspect", form), TOKEN_MISSING)


def test_a_repeated_token_is_refused(scene):
    token = scene.machine_token()

    assert_refused(
        scene.machine.post_as_client("/oauth/introspect", {"token": [token, token]}),
        PARAMETER_REPEATED,
    )


def test_another_media_type_is_refused(scene):
    answer = scene.machine.post_as_client(
        "/oauth/introspect", {"token": "x"}, headers={"Content-Type": "application/json"}
    )

    assert_refused(answer, WANTS_FORM)


def test_a_long_body_is_refused(scene):
    assert_refused(scene.machine.introspect("x" * 70_000), TOO_LARGE)


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_the_hint_is_read_and_ignored(scene, hint):
    answer = scene.machine.introspect(scene.machine_token(), token_type_hint=hint)

    assert answer.json()["active"] is True


def test_pages_of_other_origins_may_not_ask(scene):
    answer = scene.machine.post_as_client(
        "/oauth/introspect", {"token": "x"}, headers={"Origin": "https://app.example.com"}
    )

    assert "access-control-allow-origin" not in answer.headers
