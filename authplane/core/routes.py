"""Which requests are machines' and which are pages for people.

A machine route uses no cookie, no session and no CSRF token, so nothing that reads them runs there.
Pages are the closed list: a route nobody thought of is a machine route and stays without a session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES = frozenset({
    "/", "/login", "/logout", "/consent", "/account", "/oauth/authorize", "/authorize",
    "/favicon.ico", "/robots.txt", "/console", "/admin/ui", "/connections",
    "/mcp-servers", "/api/servers", "/api/connections", "/api/oauth/initiate",
    "/api/oauth/callback", "/api/oauth/refresh", "/api/v1/oauth/callback",
})  # fmt: skip
PAGE_PREFIXES = (
    "/console/", "/static/", "/consent/", "/account/", "/docs/", "/admin/ui/", "/connect/",
    "/oidc/", "/connections/", "/mcp-servers/", "/api/servers/", "/api/connections/",
)  # fmt: skip

PROXIES = "/api/v1/oauth-proxy/"
PROXY_PAGE = "/authorize"
CROSS_ORIGIN_OF_PROXIES = ("/token", "/register", "/revoke", "/jwks.json")
"""Routes of each OAuth proxy, by how their path ends."""

PROGRAMS = "/api/"
"""Routes with a session that answer in JSON: programs of our own pages call them."""

CROSS_ORIGIN = frozenset({
    "/oauth/token", "/oauth/register", "/oauth/revoke", "/oauth/userinfo", "/oauth/jwks",
    "/oauth/par", "/token", "/register", "/revoke", "/userinfo", "/openapi.yaml",
    "/openapi.json",
})  # fmt: skip
"""Machine routes that a page of another origin may call. Introspection is not among them: it is
for resource servers, and a browser that holds a resource server's secret has already lost it."""

CROSS_ORIGIN_PREFIXES = ("/.well-known/", "/oauth/register/", "/register/")
METADATA_INFIX = "/.well-known/"

DATA_PLANE = "/proxy/"
OPERATOR_PREFIXES = ("/admin", "/console", "/metrics", DATA_PLANE)

TOKEN_ENDPOINTS = frozenset({"/oauth/token", "/token"})

KIB = 1024
DEFAULT_BODY = 64 * KIB
LARGE_BODY = 1024 * KIB
LARGE_BODY_PREFIXES = ("/oauth/register", "/register", "/admin/", "/console/")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def machine_route(path: str) -> bool:
    """Whether ``path`` is served without session, messages, CSRF and the rest of the page stack."""
    if path.startswith(PROXIES):
        return not path.endswith(PROXY_PAGE)
    return path not in PAGES and not path.startswith(PAGE_PREFIXES)


def operator_route(path: str) -> bool:
    """Whether ``path`` belongs to the operator listener."""
    return path.startswith(OPERATOR_PREFIXES)


def cross_origin_route(path: str) -> bool:
    """Whether pages of other origins may call ``path``, without credentials."""
    return (
        path in CROSS_ORIGIN
        or (path.startswith(PROXIES) and path.endswith(CROSS_ORIGIN_OF_PROXIES))
        or path.startswith(CROSS_ORIGIN_PREFIXES)
        # OpenID discovery appended to an issuer that has a path.
        or (METADATA_INFIX in path and machine_route(path))
    )


def body_limit(path: str) -> int:
    """The largest request body accepted at ``path``, in bytes."""
    return LARGE_BODY if path.startswith(LARGE_BODY_PREFIXES) else DEFAULT_BODY


def declared_length(environ: Mapping[str, str]) -> int | None:
    """The announced body length; 0 without one; None when it is no number."""
    value = environ.get("CONTENT_LENGTH") or "0"
    return int(value) if value.isascii() and value.isdigit() else None
