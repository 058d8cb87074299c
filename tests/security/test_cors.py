"""Which routes pages of other origins may call, and what they may read there."""

from __future__ import annotations

import pytest
from django.test import Client

from authplane.core import ratelimit
from authplane.core.config import override_config
from authplane.core.routes import cross_origin_route

ORIGIN = "https://inspector.example"


@pytest.fixture(autouse=True)
def _fresh():
    ratelimit.forget_local()


OPEN = [
    "/oauth/token", "/token", "/oauth/register", "/register", "/oauth/register/abc",
    "/oauth/revoke", "/revoke", "/oauth/userinfo", "/userinfo", "/oauth/par",
    "/.well-known/oauth-authorization-server", "/.well-known/jwks.json",
    "/.well-known/oauth-protected-resource/mcp", "/tenant/.well-known/openid-configuration",
]  # fmt: skip

CLOSED = [
    "/oauth/authorize", "/authorize", "/login", "/logout", "/consent", "/oauth/introspect",
    "/introspect", "/admin/users", "/console/", "/metrics", "/health", "/nothing", "/",
]  # fmt: skip


def preflight(url, origin=ORIGIN, **headers):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"} | headers
    return Client(raise_request_exception=False).options(url, headers=headers)


def get(url, origin=ORIGIN):
    return Client(raise_request_exception=False).get(url, headers={"Origin": origin})


@pytest.mark.parametrize("url", OPEN)
def test_a_preflight_is_answered(url):
    answer = preflight(url)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert allowed == "Content-Type, Authorization, DPoP, MCP-Protocol-Version"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Max-Age"] == "86400"


def test_management_of_a_registration_may_be_called_with_its_methods():
    methods = preflight("/oauth/register/abc").headers["Access-Control-Allow-Methods"]

    assert {"PUT", "DELETE"} <= set(methods.split(", "))
    assert "PUT" not in preflight("/oauth/token").headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("url", OPEN)
def test_answers_and_refusals_can_be_read_with_their_headers(url):
    answer = get(url)

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert exposed == "DPoP-Nonce, WWW-Authenticate, Retry-After"


@pytest.mark.django_db
@pytest.mark.parametrize("url", CLOSED)
def test_other_routes_are_closed_to_other_origins(url):
    for answer in (get(url), preflight(url)):
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]
    assert not cross_origin_route(url)


@pytest.mark.parametrize("url", OPEN)
def test_credentials_are_never_allowed(url):
    for answer in (get(url), preflight(url)):
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.shows("setting", "server.allowed_origins")
def test_origins_can_be_narrowed():
    with override_config(server={"allowed_origins": (ORIGIN,)}):
        known, unknown = (
            preflight("/oauth/token"),
            preflight("/oauth/token", "https://evil.example"),
        )
        read, unread = get("/oauth/token"), get("/oauth/token", "null")

    assert known.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert read.headers["Access-Control-Allow-Origin"] == ORIGIN
    for answer in (unknown, unread):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Methods" not in answer.headers
    for answer in (known, unknown, read, unread):
        assert "Origin" in answer.headers["Vary"]


def test_no_origins_means_no_other_origin():
    with override_config(server={"allowed_origins": ()}):
        assert "Access-Control-Allow-Origin" not in get("/oauth/token").headers


def test_even_a_throttled_answer_can_be_read():
    with override_config(rate_limit={"enabled": True, "rps": 1, "burst": 1}):
        get("/oauth/token")
        refused = get("/oauth/token")

    assert refused.status_code == 429
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
