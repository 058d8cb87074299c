"""The endpoints at the root: fallbacks of MCP 2025-03-26. The same behaviour, and JSON as well."""

from __future__ import annotations

import json

import pytest

from tests.support.digests import nothing_changes
from tests.support.refusals import (
    GRANT_TYPE_MISSING,
    INVALID_CLIENT,
    INVALID_GRANT,
    INVALID_TARGET,
    INVALID_TOKEN,
    METHODS_MIXED,
    PARAMETER_REPEATED,
    TOKEN_MISSING,
    TOO_LARGE,
    USE_POST,
    VERIFIER_WRONG,
    WANTS_FORM,
    Refusal,
    assert_refused,
)

NOT_JSON = Refusal(400, "invalid_request", "the request body is not valid JSON")
NOT_FLAT = Refusal(
    400, "invalid_request", "the request body must be one JSON object whose values are strings"
)
NAMED_TWICE = Refusal(400, "invalid_request", "the request body names a member twice")
NUL_BYTE = Refusal(400, "invalid_request", "the request body holds a NUL byte")
NOT_UTF8 = Refusal(400, "invalid_request", "the request body is not valid UTF-8")
POSTED = ["/token", "/introspect", "/revoke"]


def as_json(client, path, body, **headers):
    """A JSON body, or bytes as they are, with this client's header."""
    _, basic = client.client_authentication()
    sent = {"Accept": "application/json", "Content-Type": "application/json"}
    if basic:
        sent["Authorization"] = basic
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.http.post(path, content=content, headers=sent | headers)


def code_form(client, authorization):
    return {
        "grant_type": "authorization_code",
        "client_id": client.client_id,
        "code": authorization.code,
        "redirect_uri": authorization.redirect_uri,
        "code_verifier": authorization.verifier,
    }


# --- Forms, as at /oauth/* -----------------------------------------------------------------------


@pytest.mark.spec(
    "MCP 2025-03-26",
    "fallback endpoints",
    "MUST",
    "authorize, token and register answer at the root",
)
def test_the_whole_flow_at_the_root(scene):
    tokens = scene.client.token(path="/token", **code_form(scene.client, scene.authorize())).json()
    again = scene.client.token(
        path="/token", grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    ).json()
    described = scene.watcher.post_as_client("/introspect", {"token": again["access_token"]})
    assert described.json()["active"] is True

    ended = scene.client.post_as_client("/revoke", {"token": again["refresh_token"]})
    assert (ended.status_code, ended.content) == (200, b"")
    assert not scene.is_active(again["access_token"])
    with nothing_changes():
        assert_refused(
            scene.client.token(
                path="/token", grant_type="refresh_token", refresh_token=again["refresh_token"]
            ),
            INVALID_GRANT,
        )


def test_userinfo_answers_at_the_root(scene):
    token = scene.tokens(resource=None, scope="openid")["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    assert scene.client.http.get("/userinfo", headers=headers).json() == {"sub": str(scene.user.pk)}
    assert_refused(
        scene.client.http.get("/userinfo", headers={"Accept": "application/json"}), INVALID_TOKEN
    )


def test_a_code_redeemed_at_one_address_is_spent_at_the_other(scene):
    authorization = scene.authorize()
    tokens = scene.client.token(path="/token", **code_form(scene.client, authorization)).json()

    assert_refused(scene.client.redeem(authorization), INVALID_GRANT)
    assert not scene.is_active(tokens["access_token"])


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_is_answered(scene, path, method):
    answer = scene.client.http.request(method, path, headers={"Accept": "application/json"})

    assert_refused(answer, USE_POST)
    assert answer.headers["allow"] == "POST, OPTIONS"


def test_refusals_are_those_of_the_long_addresses(scene):
    authorization = scene.authorize()
    form = code_form(scene.client, authorization)
    cases = [
        (form | {"code_verifier": "x" * 43}, VERIFIER_WRONG),
        (form | {"redirect_uri": "https://evil.example.com"}, INVALID_GRANT),
        (form | {"resource": "https://unknown.example.com"}, INVALID_TARGET),
        (form | {"code": [form["code"], form["code"]]}, PARAMETER_REPEATED),
        (form | {"grant_type": None}, GRANT_TYPE_MISSING),
        (form | {"client_id": "unknown"}, INVALID_CLIENT),
        (form | {"padding": "x" * 70_000}, TOO_LARGE),
    ]
    with nothing_changes():
        for fields, refusal in cases:
            assert_refused(scene.client.token(path="/token", **fields), refusal)


def test_two_authentication_methods_are_refused(scene):
    form = {"client_id": scene.machine.client_id, "client_secret": scene.machine.client_secret}
    for path in POSTED:
        assert_refused(as_json(scene.machine, path, form | {"token": "x"} | {
            "grant_type": "client_credentials"}), METHODS_MIXED)  # fmt: skip


# --- JSON ----------------------------------------------------------------------------------------


def test_a_code_can_be_redeemed_with_json(scene):
    answer = as_json(scene.client, "/token", code_form(scene.client, scene.authorize()))

    assert answer.status_code == 200
    assert scene.is_active(answer.json()["access_token"])


def test_a_machine_can_ask_and_end_with_json(scene):
    answer = as_json(scene.machine, "/token", {"grant_type": "client_credentials"})
    token = answer.json()["access_token"]
    assert as_json(scene.machine, "/introspect", {"token": token}).json()["active"] is True

    assert as_json(scene.machine, "/revoke", {"token": token}).status_code == 200

    assert as_json(scene.machine, "/introspect", {"token": token}).json() == {"active": False}


def test_a_charset_may_be_named(scene):
    body = {"grant_type": "client_credentials"}

    assert as_json(
        scene.machine, "/token", body, **{"Content-Type": "application/json; charset=utf-8"}
    ).status_code == 200  # fmt: skip


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", NOT_JSON),
        (b"{", NOT_JSON),
        (b"\xff", NOT_UTF8),
        (b"[" * 20_000, NOT_JSON),
        (b'{"a":' * 10_000, NOT_JSON),
        (b"[]", NOT_FLAT),
        (b"null", NOT_FLAT),
        (b'"text"', NOT_FLAT),
        (b"1e999", NOT_FLAT),
        (b'{"grant_type": null}', NOT_FLAT),
        (b'{"grant_type": 1}', NOT_FLAT),
        (b'{"grant_type": true}', NOT_FLAT),
        (b'{"grant_type": ["client_credentials"]}', NOT_FLAT),
        (b'{"grant_type": {"a": "b"}}', NOT_FLAT),
        (b'{"grant_type": "a", "grant_type": "a"}', NAMED_TWICE),
        (b'{"grant_type": "a\\u0000"}', NUL_BYTE),
        (b'{"grant_type": "\\ud800"}', NOT_UTF8),
        (b'{"\\udfff": "x"}', NOT_UTF8),
        (b'{"grant_type": "authorization_code", "code": "\\ud800"}', NOT_UTF8),
        (b'{"grant_type": "client_credentials", "client_id": "\\ud800"}', NOT_UTF8),
        (b'{"grant_type": ""}', GRANT_TYPE_MISSING),
        (b"{}", GRANT_TYPE_MISSING),
        (b'{"x": "' + b"x" * 66_000 + b'"}', TOO_LARGE),
    ],
)
def test_other_json_is_refused(scene, body, refusal):
    with nothing_changes():
        assert_refused(as_json(scene.machine, "/token", body), refusal)


@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
def test_missing_and_repeated_tokens_in_json_are_refused(scene, path):
    assert_refused(as_json(scene.machine, path, {}), TOKEN_MISSING)
    assert_refused(as_json(scene.machine, path, b'{"token":"a","token":"b"}'), NAMED_TWICE)


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
def test_the_long_addresses_read_no_json(scene, path):
    with nothing_changes():
        assert_refused(
            as_json(scene.machine, path, {"grant_type": "client_credentials"}), WANTS_FORM
        )


def test_json_under_the_name_of_a_form_is_refused(scene):
    answer = as_json(
        scene.machine,
        "/token",
        {"grant_type": "client_credentials"},
        **{"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert_refused(answer, GRANT_TYPE_MISSING)
