"""Pushed and signed authorization requests, as a client makes them."""

from __future__ import annotations

import secrets
import time
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt

from tests.support.oauth_client import Authorization, OAuthClient, User, _query_of

PREFIX = "urn:ietf:params:oauth:request_uri:"


def push(client: OAuthClient, **overrides: Any) -> tuple[httpx.Response, dict[str, Any], str]:
    """The answer of the push endpoint, what was sent, and the verifier."""
    _, sent, verifier = client.authorization_request(**overrides)
    headers = sent.pop("headers", None)
    return client.post_as_client("/oauth/par", sent, headers=headers), sent, verifier


def pushed(client: OAuthClient, **overrides: Any) -> str:
    """The `request_uri` of a fresh push."""
    answer, _, _ = push(client, **overrides)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["request_uri"])


def link(client: OAuthClient, request_uri: str, **further: Any) -> str:
    """The address the user is sent to."""
    query = {"client_id": client.client_id, "request_uri": request_uri, **further}
    return f"/oauth/authorize?{urlencode(query)}"


def arrive(client: OAuthClient, request_uri: str, **further: Any) -> httpx.Response:
    """The first answer to the user's browser."""
    return client.http.get(link(client, request_uri, **further), headers={"Accept": "text/html"})


def authorize_pushed(client: OAuthClient, user: User, *, allow: bool = True, **overrides: Any):
    """The whole way of a pushed request to the redirect URI."""
    answer, sent, verifier = push(client, **overrides)
    assert answer.status_code == 201, answer.text
    redirect_uri = str(sent.get("redirect_uri", client.redirect_uri))
    arrived = client.follow(
        link(client, answer.json()["request_uri"]), user, redirect_uri=redirect_uri, allow=allow
    )
    return Authorization(_query_of(arrived), verifier, redirect_uri, sent)


def request_object(
    client: OAuthClient, key: dict[str, Any], *, header: dict[str, Any] | None = None, **claims: Any
) -> tuple[str, dict[str, Any], str]:
    """A signed request, what it says, and the verifier; None removes a claim."""
    _, sent, verifier = client.authorization_request()
    now = int(time.time())
    about = {
        "iss": client.client_id,
        "aud": client.issuer,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(16),
    }
    members = {n: v for n, v in (sent | about | claims).items() if v is not None}
    headers = {"typ": "oauth-authz-req+jwt", "kid": key.get("kid")} | (header or {})
    text = jwt.encode(
        members,
        jwt.PyJWK.from_dict(key).key,
        algorithm=key.get("alg", "ES256"),
        headers={n: v for n, v in headers.items() if v is not None},
    )
    return text, sent, verifier
