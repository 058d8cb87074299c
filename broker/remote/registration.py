"""Register a client of ours at an authorization server, and give it back (RFC 7591, RFC 7592)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core import fetch
from authplane.core.fetch import Fetched, FetchFailed, FetchRefused
from authplane.core.uris import is_loopback_host, origin
from broker import measures
from broker.remote.errors import REGISTRATION_FAILED, DiscoveryFailed
from broker.upstream.answers import TOKEN
from broker.upstream.reach import endpoint_in, reach_of

SECONDS: Final = 10.0
MAX_BYTES: Final = 256 * 1024
NAME: Final = "Authplane"
PREFERRED: Final = ("client_secret_basic", "client_secret_post", "none")
UNSTATED: Final = ("client_secret_basic",)
"""RFC 8414 section 2: what metadata that name no method mean."""

MAX_ID: Final = 2048
MAX_SECRET: Final = 4096
LATEST: Final = 253402300799
_TEXT: Final = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A client that was registered. `expires_at` is when its secret ends."""

    client_id: str
    method: str
    secret: str = field(default="", repr=False)
    expires_at: datetime | None = None
    management_url: str = ""
    management_token: str = field(default="", repr=False)


def method_for(
    offered: Iterable[str], *, has_secret: bool = True, may_be_public: bool = True
) -> str:
    """How we say who we are: in a header before in a body, with a secret before without."""
    if not has_secret:
        return "none"
    known = tuple(offered) or UNSTATED
    usable = PREFERRED if may_be_public else PREFERRED[:-1]
    return next((method for method in usable if method in known), PREFERRED[0])


def client_document(*, callback: str, method: str) -> dict[str, Any]:
    """What we say about ourselves, in a request or in a document.

    Spec: RFC 7591 section 2; MCP 2026-07-28 authorization (MUST: a fitting `application_type`).
    """
    is_local = is_loopback_host(urlsplit(callback).hostname or "")
    return {
        "client_name": NAME,
        "client_uri": origin(callback),
        "redirect_uris": [callback],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "application_type": "native" if is_local else "web",
    }


def register(
    endpoint: str, *, callback: str, offered: Iterable[str], scopes: Iterable[str]
) -> Registered:
    """A client of ours, made by this call.

    Spec: RFC 7591 sections 3.1 and 3.2.1.
    Raises: DiscoveryFailed (registration_failed).
    """
    method = method_for(offered)
    document = client_document(callback=callback, method=method)
    if scope := " ".join(scopes):
        document["scope"] = scope
    with measures.registering():
        try:
            answer = fetch.send(
                "POST", endpoint, document=document,
                max_bytes=MAX_BYTES, timeout=SECONDS, reach=reach_of(endpoint),
            )  # fmt: skip
        except (FetchRefused, FetchFailed) as failed:
            raise DiscoveryFailed(REGISTRATION_FAILED, failed.reason) from None
        return _read(answer, asked=method, callback=callback)


def unregister(client: Registered) -> None:
    """The authorization server was asked to forget the client; what it says changes nothing.

    Spec: RFC 7592 section 2.3.
    """
    if not client.management_url or not client.management_token:
        return
    try:
        fetch.send(
            "DELETE", client.management_url, wants_body=False,
            headers={"Authorization": f"Bearer {client.management_token}"},
            max_bytes=0, timeout=SECONDS, reach=reach_of(client.management_url),
        )  # fmt: skip
    except (FetchRefused, FetchFailed):
        return


def _read(answer: Fetched, *, asked: str, callback: str) -> Registered:
    """The client of an answer. What the answer says otherwise is never repeated."""
    if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        raise DiscoveryFailed(REGISTRATION_FAILED, f"status {answer.status}")
    members: Mapping[str, Any] = answer.json if isinstance(answer.json, dict) else {}
    client_id = _text(members, "client_id", limit=MAX_ID)
    secret = _text(members, "client_secret", limit=MAX_SECRET)
    if not client_id:
        raise DiscoveryFailed(REGISTRATION_FAILED, "no client_id")
    redirects = members.get("redirect_uris", [callback])
    if not isinstance(redirects, list) or callback not in redirects:
        raise DiscoveryFailed(REGISTRATION_FAILED, "another redirect URI")
    method = members.get("token_endpoint_auth_method", asked if secret else "none")
    if method not in PREFERRED or (method != "none" and not secret):
        raise DiscoveryFailed(REGISTRATION_FAILED, "a method that cannot be used")
    token = members.get("registration_access_token")
    return Registered(
        client_id=client_id,
        method=method,
        secret="" if method == "none" else secret,
        expires_at=_moment(members.get("client_secret_expires_at")) if secret else None,
        management_url=endpoint_in(members, "registration_client_uri"),
        management_token=token if isinstance(token, str) and TOKEN.fullmatch(token) else "",
    )


def _text(members: Mapping[str, Any], name: str, *, limit: int) -> str:
    value = members.get(name)
    is_text = isinstance(value, str) and len(value) <= limit and _TEXT.fullmatch(value)
    return str(value) if is_text else ""


def _moment(value: Any) -> datetime | None:
    """Spec: RFC 7591 section 3.2.1: seconds since 1970; 0 says that it does not expire."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LATEST:
        return None
    return datetime.fromtimestamp(value, tz=UTC)
