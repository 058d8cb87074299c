"""Whatever is sent to the machine endpoints: a refusal, never a failure, and nothing changes."""

from __future__ import annotations

import base64
import io
import json
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.digests import nothing_changes, table_digests

ENDPOINTS = [
    "/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/userinfo", "/oauth/par",
    "/token", "/introspect", "/revoke", "/userinfo",
]  # fmt: skip
FORM = "application/x-www-form-urlencoded"
FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Raw:
    """Speaks WSGI itself: sends what no well-behaved HTTP client would."""

    def __init__(self) -> None:
        from django.core.wsgi import get_wsgi_application

        self.application = get_wsgi_application()

    def __call__(
        self, path: str, body: bytes = b"", *, method: str = "POST", **environ: Any
    ) -> tuple[int, dict[str, str], bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []
        answer = self.application(
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "SCRIPT_NAME": "",
                "QUERY_STRING": "",
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "9000",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_HOST": "localhost:9000",
                "CONTENT_TYPE": FORM,
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.version": (1, 0),
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(body),
                "wsgi.errors": io.StringIO(),
                "wsgi.multithread": True,
                "wsgi.multiprocess": True,
                "wsgi.run_once": False,
            }
            | environ,
            lambda status, headers, exc_info=None: started.append((status, headers)),
        )
        content = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        status, headers = started[0]
        return int(status.split()[0]), {k.lower(): v for k, v in headers}, content


@pytest.fixture(scope="module")
def raw():
    return Raw()


@pytest.fixture
def unlimited(override_config):
    override_config(rate_limit={"enabled": False})


def assert_is_a_refusal(answer):
    """4xx, our error body, nothing of the server's inside."""
    status, headers, content = answer
    assert 400 <= status < 500, (status, content)
    body = json.loads(content)
    assert {"error", "error_description", "type", "title", "detail", "status"} == set(body)
    assert body["status"] == status
    assert content.isascii()
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "application/problem+json"


def assert_never_a_failure(answer):
    status, _, content = answer
    assert status < 500, content
    assert b"Traceback" not in content


# --- Bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [b"", b"\x00", b"\xff\xfe", b"%", b"%00", b"&" * 1000, b"=" * 1000, b"a=b;c=d", b"x" * 65_537],
    ids=["empty", "nul", "bytes", "percent", "nul escaped", "amps", "equals", "semicolon", "long"],
)
def test_an_unreadable_body_is_refused_everywhere(scene, raw, path, body):
    with nothing_changes():
        assert_is_a_refusal(raw(path, body))


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("length", ["-1", "x", "1e3", "\u0663", "9" * 400, "65537"])
def test_an_odd_length_is_refused_everywhere(scene, raw, path, length):
    assert_is_a_refusal(raw(path, b"token=x", CONTENT_LENGTH=length))


@pytest.mark.parametrize("path", [path for path in ENDPOINTS if "userinfo" not in path])
def test_a_body_that_is_cut_short_is_refused(scene, raw, path):
    assert_is_a_refusal(raw(path, b"token=x&client_id=y", CONTENT_LENGTH="5000"))


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "\u00fcber", "PROPFIND"])
def test_odd_methods_are_refused(scene, raw, path, method):
    status, headers, _ = raw(path, b"", method=method)

    assert status == 405
    assert "POST" in headers["allow"]


PARAMETERS = [
    "grant_type", "client_id", "client_secret", "code", "code_verifier", "redirect_uri",
    "refresh_token", "scope", "resource", "audience", "token", "token_type_hint",
    "client_assertion", "client_assertion_type",
]  # fmt: skip
values = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "authorization_code", "refresh_token", "client_credentials", "a" * 43, "read",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "eyJhbGciOiJub25lIn0.e30.",
            "https://[", "http://[::1", "//", "\x00", "1" * 5000, "a.b.c", "e30.e30.e30",
        ]
    ),
)  # fmt: skip
pairs = st.lists(st.tuples(st.sampled_from(PARAMETERS), values), max_size=8)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_no_form_is_a_failure(scene, raw, unlimited, path):
    before = table_digests()

    @FUZZ
    @given(pairs)
    def send(form):
        assert_never_a_failure(raw(path, urlencode(form).encode()))

    send()
    assert table_digests() == before


@pytest.mark.parametrize(
    "grant_type", ["authorization_code", "refresh_token", "client_credentials"]
)
def test_no_form_of_a_known_client_is_a_failure(scene, raw, unlimited, grant_type):
    """Past authentication, where the grants' own checks run. Nobody can guess a credential."""
    _, basic = scene.machine.client_authentication()
    names = ["code", "code_verifier", "redirect_uri", "refresh_token", "scope", "resource"]
    before = table_digests()

    @FUZZ
    @given(st.dictionaries(st.sampled_from(names), values, max_size=6))
    def send(form):
        body = {"grant_type": grant_type, "scope": "unknown"} | form
        if grant_type == "client_credentials":
            body["scope"] = "unknown " + body["scope"]
        answer = raw("/oauth/token", urlencode(body).encode(), HTTP_AUTHORIZATION=basic)
        assert_is_a_refusal(answer)

    send()
    assert table_digests() == before


@pytest.mark.parametrize("path", ENDPOINTS)
def test_no_bytes_are_a_failure(scene, raw, unlimited, path):
    before = table_digests()

    @FUZZ
    @given(st.binary(max_size=200), st.sampled_from([FORM, "application/json", "text/plain", ""]))
    def send(body, media_type):
        assert_never_a_failure(raw(path, body, CONTENT_TYPE=media_type))

    send()
    assert table_digests() == before


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
HALF_A_PAIR = st.sampled_from([chr(0xD800), chr(0xDFFF), "a" + chr(0xDC00)])


@pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
def test_no_json_is_a_failure(scene, raw, unlimited, path):
    before = table_digests()

    @FUZZ
    @given(
        st.dictionaries(
            st.one_of(st.sampled_from(PARAMETERS), HALF_A_PAIR), st.one_of(json_values, HALF_A_PAIR)
        )
    )
    def send(document):
        body = json.dumps(document).encode()
        assert_never_a_failure(raw(path, body, CONTENT_TYPE="application/json"))

    send()
    assert table_digests() == before


# --- Headers -------------------------------------------------------------------------------------

latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=120)
credentials = st.one_of(
    latin,
    st.binary(max_size=60).map(lambda value: "Basic " + base64.b64encode(value).decode()),
    st.tuples(st.binary(max_size=20), st.binary(max_size=20)).map(
        lambda halves: (
            "Basic "
            + base64.b64encode(b":".join(quote_from_bytes(h).encode() for h in halves)).decode()
        )
    ),
    latin.map(lambda value: "Bearer " + value),
    latin.map(lambda value: "Basic " + value),
)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_no_authorization_header_is_a_failure(scene, raw, unlimited, path):
    before = table_digests()

    @FUZZ
    @given(credentials)
    def send(authorization):
        answer = raw(
            path, b"grant_type=client_credentials&token=x", HTTP_AUTHORIZATION=authorization
        )
        assert_never_a_failure(answer)

    send()
    assert table_digests() == before


@pytest.mark.parametrize("path", ENDPOINTS)
def test_no_other_header_is_a_failure(scene, raw, unlimited, path):
    names = ["ACCEPT", "ORIGIN", "DPOP", "X_REQUEST_ID", "X_FORWARDED_FOR", "COOKIE", "TRACEPARENT"]

    @FUZZ
    @given(
        st.dictionaries(st.sampled_from([f"HTTP_{name}" for name in names]), latin, max_size=4),
        latin,
    )
    def send(headers, media_type):
        assert_never_a_failure(raw(path, b"token=x", **headers, CONTENT_TYPE=media_type))

    send()


# --- Tokens --------------------------------------------------------------------------------------

segment = st.one_of(
    st.binary(max_size=40).map(lambda value: base64.urlsafe_b64encode(value).rstrip(b"=").decode()),
    json_values.map(
        lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    ),
    st.text("AZaz09-_=+/. ", max_size=20),
)
tokens = st.one_of(
    st.lists(segment, min_size=1, max_size=5).map(".".join),
    st.text(max_size=80),
)


def test_no_token_is_a_failure(scene, raw, unlimited):
    _, basic = scene.machine.client_authentication()
    before = table_digests()

    @FUZZ
    @given(tokens)
    def send(token):
        body = urlencode({"token": token}).encode()
        if token and "\x00" not in token:
            answer = raw("/oauth/introspect", body, HTTP_AUTHORIZATION=basic)
            assert (answer[0], answer[2]) == (200, b'{"active":false}')
            assert raw("/oauth/revoke", body)[0] == 200
        if token.isascii() and token.isprintable():
            answer = raw("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}", method="GET")
            assert answer[0] == 401

    send()
    assert table_digests() == before
