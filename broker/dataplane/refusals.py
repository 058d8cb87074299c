"""How a request is refused, in words for its caller. The proxy server passes them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse

from authplane.core.http import error_response
from broker.proxies.selectors import Proxy

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
UNAUTHORIZED: Final = 401
MENDING: Final = 60
"""Seconds after which a client may ask again about what an operator has to mend."""


@dataclass(eq=False)
class Refusal(Exception):
    """The request is not forwarded. `outcome` is what the metric calls it."""

    outcome: str
    status: int
    error: str
    description: str
    headers: Mapping[str, str] = field(default_factory=dict)


def no_credential() -> Refusal:
    """Nothing was shown. The challenge then names no error (RFC 6750 section 3.1)."""
    return Refusal("no_credential", UNAUTHORIZED, "invalid_token", "a credential is required")


def bad_token() -> Refusal:
    """The token is not one of this proxy's, or has ended."""
    return Refusal("invalid_token", UNAUTHORIZED, "invalid_token", "the token does not count here")


def bound_token() -> Refusal:
    """The token is bound to a key, and nobody here checks proofs for the service behind."""
    return Refusal(
        "invalid_token", UNAUTHORIZED, "invalid_token", "bound tokens are not accepted here"
    )


def bad_key() -> Refusal:
    """The API key counts nowhere. Why is for the operator alone."""
    return Refusal("invalid_key", UNAUTHORIZED, "invalid_token", "the API key does not count")


def no_access() -> Refusal:
    """The API key is good, and not for this proxy."""
    return Refusal("no_access", 403, "access_denied", "the API key is not for this service")


def too_often(headers: Mapping[str, str]) -> Refusal:
    """The minute of the API key is used up."""
    return Refusal("rate_limited", 429, "rate_limit_exceeded", "rate limit exceeded", headers)


def reconnect() -> Refusal:
    """The user's account at the service has to be connected again, by signing in again here.

    A client that refreshes its token instead is told so by the token endpoint.
    """
    return Refusal(
        "reconnect", UNAUTHORIZED, "invalid_token", "the account must be connected again"
    )


def unavailable(retry_after: int) -> Refusal:
    """There is no credential right now; the request may succeed later."""
    return Refusal(
        "unavailable",
        503,
        "temporarily_unavailable",
        "the service behind cannot be asked for access right now",
        {"Retry-After": str(max(1, retry_after))},
    )


def answer(request: HttpRequest, refusal: Refusal, *, proxy: Proxy) -> HttpResponse:
    """The refusal on the wire; a 401 says where a client finds the way in.

    Spec: RFC 9728 section 5.1; RFC 6750 section 3 (MUST: WWW-Authenticate).
    """
    headers = dict(refusal.headers)
    if refusal.status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = _challenge(refusal, proxy=proxy)
    return error_response(
        request,
        error=refusal.error,
        description=refusal.description,
        status=refusal.status,
        headers=headers,
    )


def metadata_url(resource: str) -> str:
    """Where the resource's metadata lies: the well-known part between host and path.

    Spec: RFC 9728 section 3.1.
    """
    parts = urlsplit(resource)
    path = "" if parts.path == "/" else parts.path
    return urlunsplit((parts.scheme, parts.netloc, WELL_KNOWN + path, parts.query, ""))


def _challenge(refusal: Refusal, *, proxy: Proxy) -> str:
    members = [f'resource_metadata="{metadata_url(proxy.resource)}"']
    if refusal.outcome != "no_credential":
        members.append(f'error="{refusal.error}"')
        members.append(f'error_description="{refusal.description}"')
    if proxy.scopes:
        members.append(f'scope="{" ".join(proxy.scopes)}"')
    return f"Bearer {', '.join(members)}"
