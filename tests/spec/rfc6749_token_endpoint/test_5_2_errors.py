"""RFC 6749 section 5.2: how the token endpoint refuses."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.refusals import (
    GRANT_TYPE_MISSING,
    GRANT_TYPE_NOT_ALLOWED,
    GRANT_TYPE_UNKNOWN,
    INVALID_CLIENT,
    INVALID_GRANT,
    assert_refused,
)
from tests.support.scene import change_client


@pytest.mark.spec("RFC 6749", "5.2", "MUST", "a missing parameter is invalid_request")
@pytest.mark.parametrize("form", [{}, {"grant_type": ""}])
def test_a_missing_grant_type_is_refused(scene, form):
    with nothing_changes():
        assert_refused(scene.machine.token(**form), GRANT_TYPE_MISSING)


@pytest.mark.spec("RFC 6749", "5.2", "MUST", "an unknown grant type is unsupported_grant_type")
@pytest.mark.parametrize(
    "grant_type",
    [
        "unknown",
        "implicit",
        "Authorization_Code",
        "authorization-code",
        "client_credentials ",
        "openid",
        "urn:ietf:params:oauth:grant-type:device_code",
        "\N{SNOWMAN}",
        "x" * 5000,
    ],
)
def test_an_unknown_grant_type_is_refused(scene, grant_type):
    with nothing_changes():
        assert_refused(scene.machine.token(grant_type=grant_type), GRANT_TYPE_UNKNOWN)


@pytest.mark.spec("RFC 9700", "2.4", "MUST", "the password grant is refused")
def test_the_password_grant_is_refused(scene):
    with nothing_changes():
        assert_refused(
            scene.machine.token(
                grant_type="password", username=scene.user.email, password=scene.person.password
            ),
            GRANT_TYPE_UNKNOWN,
        )


@pytest.mark.spec(
    "RFC 6749", "5.2", "MUST", "a grant type the client may not use is unauthorized_client"
)
@pytest.mark.parametrize(
    "grant_type", ["authorization_code", "refresh_token", "client_credentials"]
)
def test_a_grant_the_client_does_not_hold_is_refused(scene, grant_type):
    change_client(scene.machine, grant_types=[])

    with nothing_changes():
        assert_refused(scene.machine.token(grant_type=grant_type), GRANT_TYPE_NOT_ALLOWED)


def test_who_is_calling_comes_before_what_they_may_do(scene):
    change_client(scene.machine, grant_types=[])
    scene.machine.client_secret = "wrong"

    with nothing_changes():
        assert_refused(scene.machine.token(grant_type="client_credentials"), INVALID_CLIENT)


@pytest.mark.spec("RFC 9457", "3", "MUST", "problem details carry type, title, status and detail")
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("text/html", "application/problem+json"),
        ("application/problem+json", "application/problem+json"),
        ("application/json, application/problem+json", "application/problem+json"),
        ("application/json;q=0, */*", "application/problem+json"),
        ("application/json", "application/json"),
        ("Application/JSON; q=0.5", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/json, application/problem+json;q=0", "application/json"),
    ],
)
def test_the_media_type_of_a_refusal_follows_accept(scene, accept, media_type):
    scene.client.default_headers = {} if accept is None else {"Accept": accept}
    if accept is None:
        del scene.client.http.headers["accept"]

    assert_refused(scene.client.refresh("unknown"), INVALID_GRANT, media_type=media_type)


def test_members_come_in_a_fixed_order(scene):
    body = scene.client.refresh("unknown").json()

    assert list(body) == ["error", "error_description", "type", "title", "detail", "status"]


def test_nothing_of_the_request_is_echoed(scene):
    marker = "echo-marker-1234567890"
    forms = [
        {"grant_type": marker},
        {"grant_type": "client_credentials", "scope": marker},
        {"grant_type": "client_credentials", "resource": f"https://{marker}"},
        {"grant_type": "client_credentials", marker: marker, "scope": '"'},
        {"grant_type": "refresh_token", "refresh_token": marker},
        {"grant_type": "authorization_code", "code": marker, "code_verifier": marker},
    ]
    for form in forms:
        answer = scene.machine.token(**form)
        assert answer.status_code == 400
        assert marker not in answer.text + repr(answer.headers)
        assert answer.text.isascii()


def test_the_address_that_explains_an_error_can_be_set(scene, override_config):
    override_config(oauth={"error_type_base": "https://docs.example.com/errors/"})

    body = scene.client.refresh("unknown").json()

    assert body["type"] == "https://docs.example.com/errors/invalid_grant"
