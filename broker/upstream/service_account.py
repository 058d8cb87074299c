"""Assertions with which a service account says whom it acts for (RFC 7523)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import jwt

from authplane.core.fetch import Reach
from authplane.core.hashing import new_secret
from broker.providers.private_keys import signing_key
from broker.providers.settings import ServiceAccountSettings
from broker.upstream.base import TokenAnswer
from broker.upstream.token_endpoint import REFRESH_SECONDS, Endpoint, ask

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def assertion(
    settings: ServiceAccountSettings, pem: str, *, subject: str, scopes: Iterable[str], now: int
) -> str:
    """The signed assertion: this account acts for ``subject``. ``now`` is seconds since 1970.

    Raises: BadKey.
    """
    claims: dict[str, str | int] = {
        "iss": settings.sa_email,
        "sub": subject,
        "aud": settings.token_url,
        "iat": now,
        "exp": now + settings.token_ttl_seconds,
        "jti": new_secret(32),
    }
    if scope := " ".join(scopes):
        claims["scope"] = scope
    key = signing_key(pem, algorithm=settings.algorithm)
    return jwt.encode(claims, key, algorithm=settings.algorithm)


def obtain(
    settings: ServiceAccountSettings,
    pem: str,
    *,
    subject: str,
    scopes: Iterable[str],
    reach: Reach,
    now: int,
) -> TokenAnswer:
    """A token of the user the account acts as. Raises: BadKey, UpstreamError."""
    form = {
        "grant_type": JWT_BEARER,
        "assertion": assertion(settings, pem, subject=subject, scopes=scopes, now=now),
    }
    endpoint = Endpoint(client_id="", token_url=settings.token_url)
    return ask(endpoint, "", form, reach, timeout=REFRESH_SECONDS)
