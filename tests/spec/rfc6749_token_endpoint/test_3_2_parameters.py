"""RFC 6749 section 3.2: how a token request is written."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.support.digests import nothing_changes
from tests.support.refusals import (
    NOT_A_FORM,
    NOT_UTF8,
    NUL_BYTE,
    PARAMETER_REPEATED,
    TOO_LARGE,
    USE_POST,
    WANTS_FORM,
    Refusal,
    assert_refused,
)

LIMIT = 64 * 1024


def sent(client, body: str | bytes, **headers: str):
    """A body as it is, authenticated by Basic."""
    _, basic = client.client_authentication()
    sent_headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": basic,
    }
    return client.http.post("/oauth/token", content=body, headers=sent_headers | headers)


def form(**fields: str) -> str:
    return urlencode({"grant_type": "client_credentials"} | fields)


@pytest.mark.spec("RFC 6749", "3.2", "MUST", "the token endpoint takes POST only")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_post_is_answered(scene, method):
    with nothing_changes():
        answer = scene.machine.http.request(
            method, "/oauth/token", params={"grant_type": "client_credentials"},
            headers={"Accept": "application/json"},
        )  # fmt: skip

    assert_refused(answer, USE_POST)
    assert answer.headers["allow"] == "POST, OPTIONS"


def test_head_is_refused_without_a_body(scene):
    answer = scene.machine.http.head("/oauth/token")

    assert (405, b"") == (answer.status_code, answer.content)
    assert answer.headers["allow"] == "POST, OPTIONS"


def test_options_names_what_is_offered(scene):
    answer = scene.machine.http.options("/oauth/token")

    assert answer.status_code in {200, 204}
    assert {"POST", "OPTIONS"} == set(answer.headers["allow"].split(", "))


@pytest.mark.spec("RFC 6749", "3.2", "MUST", "parameters of a token request are not repeated")
@pytest.mark.parametrize(
    "name",
    [
        "grant_type", "scope", "client_id", "client_secret", "client_assertion", "code",
        "redirect_uri", "code_verifier", "refresh_token", "something_unknown",
    ],
)  # fmt: skip
@pytest.mark.parametrize("values", [("a", "a"), ("a", "b"), ("", ""), ("a", "")])
def test_a_repeated_parameter_is_refused(scene, name, values):
    body = urlencode([("grant_type", "client_credentials"), *((name, value) for value in values)])

    with nothing_changes():
        assert_refused(sent(scene.machine, body), PARAMETER_REPEATED)


@pytest.mark.spec("RFC 6749", "3.2", "MUST", "unrecognised parameters are ignored")
def test_an_unknown_parameter_is_ignored(scene):
    answer = sent(scene.machine, form(request_uri="urn:x", nonce="n", foo="bar"))

    assert answer.status_code == 200
    refused = sent(scene.machine, form(foo="bar", scope="unknown"))
    assert refused.json()["error"] == "invalid_scope"


def test_a_parameter_without_value_counts_as_omitted(scene):
    answer = sent(scene.machine, form(scope="", resource=""))

    assert answer.status_code == 200
    assert answer.json()["scope"] == "read write"


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "",
    ],
)
def test_another_media_type_is_refused(scene, media_type):
    with nothing_changes():
        assert_refused(sent(scene.machine, form(), **{"Content-Type": media_type}), WANTS_FORM)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/x-www-form-urlencoded; charset=utf-8",
        'application/x-www-form-urlencoded;charset="UTF-8"',
        "Application/X-WWW-Form-URLEncoded",
    ],
)
def test_the_media_type_may_name_utf8(scene, media_type):
    answer = sent(scene.machine, form(), **{"Content-Type": media_type})

    assert answer.status_code == 200


def test_a_body_of_64_kib_is_read(scene):
    body = form(foo="").encode()

    answer = sent(scene.machine, body + b"x" * (LIMIT - len(body)))

    assert answer.status_code == 200


def test_a_longer_body_is_413(scene):
    body = form(foo="").encode()

    with nothing_changes():
        assert_refused(sent(scene.machine, body + b"x" * (LIMIT - len(body) + 1)), TOO_LARGE)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"grant_type=client_credentials&foo=\xff\xfe", NOT_UTF8),
        (b"grant_type=client_credentials&foo=%ff%fe", NOT_A_FORM),
        (b"grant_type=client_credentials&foo=%zz", NOT_A_FORM),
        (b"grant_type=client_credentials&foo=%", NOT_A_FORM),
        (b"grant_type=client_credentials&foo=\x00", NUL_BYTE),
        (b"grant_type=client_credentials&foo=%00", NUL_BYTE),
        (b"grant_type=client_credentials&%00=foo", NUL_BYTE),
        (b"&".join(b"p%d=x" % number for number in range(200)), NOT_A_FORM),
        (b"grant_type=client_credentials&foo=%ed%a0%80", NOT_A_FORM),
    ],
)
def test_an_unreadable_body_is_refused(scene, body, refusal):
    with nothing_changes():
        assert_refused(sent(scene.machine, body), refusal)


@pytest.mark.parametrize("body", [b"", b"&", b"=", b"grant_type", b"grant_type="])
def test_a_body_without_grant_type_is_refused(scene, body):
    with nothing_changes():
        assert_refused(
            sent(scene.machine, body), Refusal(400, "invalid_request", "grant_type is missing")
        )
