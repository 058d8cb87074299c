"""Believe an ID token, or not. Nothing of it is used before all of this has passed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeGuard

from authplane.core.config import config
from authplane.core.hashing import b64url, constant_time_equals
from authplane.core.jose import ASYMMETRIC, JoseError, unverified_header
from broker.signin.discovery import Published
from broker.signin.errors import ProviderDown, SignInRefused
from oauth.errors import OAuthError
from oauth.federation.keys import verify_signed

TYPES: Final = ("", "jwt")
"""The types of an ID token. `at+jwt` and others are tokens for another purpose (RFC 8725 3.11)."""

MAX_SUBJECT: Final = 255
HASHES: Final = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
BAD_SIGNATURE: Final = "id_token_not_signed_by_provider"
BAD_CLAIMS: Final = "id_token_not_for_this_sign_in"
NOT_AGAIN: Final = "not_signed_in_again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the ID token of this very sign-in says. `max_age` is seconds, None when not asked.

    `began` is when the browser left, in seconds since 1970.
    """

    client_id: str
    nonce: str
    access_token: str
    max_age: int | None
    began: int


def verified_claims(
    id_token: str, *, published: Published, expected: Expected, now: datetime
) -> dict[str, Any]:
    """The claims of an ID token of this provider, for us, of this sign-in.

    Spec: OpenID Connect Core 1.0 section 3.1.3.7; section 3.1.3.8 (`at_hash`).
    Raises: SignInRefused; ProviderDown when its keys cannot be had.
    """
    try:
        claims = verify_signed(
            id_token, source=published.keys(), algorithms=ASYMMETRIC, types=TYPES, now=now
        )
        algorithm = str(unverified_header(id_token)["alg"])
    except JoseError:
        raise SignInRefused(BAD_SIGNATURE) from None
    except OAuthError:
        raise ProviderDown("keys cannot be fetched") from None
    moment = int(now.timestamp())
    good = (
        claims.get("iss") == published.issuer
        and _is_for(claims, client_id=expected.client_id)
        and _is_timely(claims, now=moment)
        and _is_text(claims.get("sub"))
        and _equals(claims.get("nonce"), expected.nonce)
        and _is_bound(claims, access_token=expected.access_token, algorithm=algorithm)
    )
    if not good:
        raise SignInRefused(BAD_CLAIMS)
    _require_recent(claims, expected=expected, now=moment)
    return claims


def _is_for(claims: Mapping[str, Any], *, client_id: str) -> bool:
    """Whether we are the audience, and the authorized party where others are beside us.

    Spec: OpenID Connect Core 1.0 section 3.1.3.7, points 3 to 5.
    """
    audience, party = claims.get("aud"), claims.get("azp")
    audiences = audience if isinstance(audience, list) else [audience]
    if client_id not in audiences or (party is not None and party != client_id):
        return False
    return len(audiences) == 1 or party == client_id


def _is_timely(claims: Mapping[str, Any], *, now: int) -> bool:
    skew = config().tokens.clock_skew
    expires, issued, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
    if not (_is_number(expires) and _is_number(issued) and _is_number(begins)):
        return False
    return now < expires + skew and issued <= now + skew and begins <= now + skew


def _is_bound(claims: Mapping[str, Any], *, access_token: str, algorithm: str) -> bool:
    """Whether the access token that came along is the one it was issued with, where it says so."""
    if "at_hash" not in claims:
        return True
    make = HASHES.get(algorithm[2:], hashlib.sha512)
    digest = make(access_token.encode()).digest()
    return _equals(claims["at_hash"], b64url(digest[: len(digest) // 2]))


def _require_recent(claims: Mapping[str, Any], *, expected: Expected, now: int) -> None:
    """Spec: OpenID Connect Core 1.0 section 3.1.3.7, point 12 (`max_age` and `auth_time`).

    Raises: SignInRefused.
    """
    if expected.max_age is None:
        return
    skew, at = config().tokens.clock_skew, claims.get("auth_time")
    if not _is_number(at) or at > now + skew:
        raise SignInRefused(NOT_AGAIN)
    # Whoever signed in since the browser left did so because of this request.
    if at < min(expected.began, now - expected.max_age) - skew:
        raise SignInRefused(NOT_AGAIN)


def _equals(claimed: Any, wanted: str) -> bool:
    return isinstance(claimed, str) and constant_time_equals(claimed, wanted)


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    """A subject: 1 to 255 characters. NUL, which PostgreSQL does not store, is in none."""
    return isinstance(value, str) and 0 < len(value) <= MAX_SUBJECT and value.isprintable()
