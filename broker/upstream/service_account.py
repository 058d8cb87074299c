"""Assertions with which a service account says whom it acts for (RFC 7523)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from authplane.core.fetch import Reach
from authplane.core.hashing import new_secret
from broker.providers.settings import ServiceAccountSettings
from broker.upstream.base import TokenAnswer
from broker.upstream.token_endpoint import REFRESH_SECONDS, Endpoint, ask

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LEAST_RSA_BITS: Final = 2048


class BadKey(Exception):
    """The private key cannot sign; the text says why and holds nothing of it."""


def signing_key(pem: str, *, algorithm: str) -> RSAPrivateKey | EllipticCurvePrivateKey:
    """The key of a PEM text: PKCS#8, PKCS#1 or SEC1, without a passphrase.

    Raises: BadKey.
    """
    try:
        key = load_pem_private_key(pem.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("is no PEM private key without a passphrase") from None
    if algorithm == "RS256" and isinstance(key, RSAPrivateKey):
        if key.key_size < LEAST_RSA_BITS:
            raise BadKey(f"has fewer than {LEAST_RSA_BITS} bits")
        return key
    if algorithm == "ES256" and isinstance(key, EllipticCurvePrivateKey):
        if not isinstance(key.curve, SECP256R1):
            raise BadKey("is not on the curve P-256")
        return key
    raise BadKey(f"does not fit {algorithm}")


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
