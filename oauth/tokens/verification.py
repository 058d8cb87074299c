"""Verify our own access tokens: signature, type, issuer and times. Revocation is asked apart."""

import re
import uuid
from datetime import datetime
from typing import Any, Final

import jwt

from authplane.core.config import config
from authplane.core.jose import JoseError, unverified_header
from oauth.keys.store import verification_keys

_MAX_LENGTH: Final = 16_384
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def verify_access_token(
    presented_token: str, *, now: datetime, expired_too: bool = False
) -> dict[str, Any] | None:
    """The claims of a token that this server signed and that is in force; None otherwise.

    The algorithm is the key's own: a header that says `none`, or HS256 with our public key as the
    shared secret, names a key of another algorithm and fails.

    Spec: RFC 9068 section 4; RFC 8725 sections 3.1 and 3.11.
    """
    if len(presented_token) > _MAX_LENGTH or not _COMPACT.fullmatch(presented_token):
        return None
    try:
        header = unverified_header(presented_token)
        known = verification_keys().get(str(header.get("kid")))
        if known is None or str(header.get("typ", "")).lower() != "at+jwt":
            return None
        algorithm, key = known
        claims: dict[str, Any] = jwt.decode(
            presented_token,
            key,
            algorithms=[algorithm],
            issuer=config().server.issuer,
            options={
                "require": ["iss", "sub", "aud", "client_id", "jti", "exp", "iat"],
                "verify_aud": False,
                # Judged below against our one clock.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (jwt.PyJWTError, JoseError, ValueError):
        return None
    if not _is_of_our_making(claims):
        return None
    return claims if expired_too or is_in_force(claims, now=now) else None


def token_id(claims: dict[str, Any]) -> uuid.UUID | None:
    """The ledger id of a verified token; None when it is not one of ours."""
    try:
        return uuid.UUID(str(claims["jti"]))
    except ValueError:
        return None


def is_in_force(claims: dict[str, Any], *, now: datetime) -> bool:
    """It is between `nbf` and `exp`, give or take the tolerance for clocks."""
    moment, skew = now.timestamp(), config().tokens.clock_skew
    not_before = claims.get("nbf", claims["iat"])
    if not isinstance(claims["exp"], int) or not isinstance(not_before, int):
        return False
    return moment < claims["exp"] + skew and moment >= not_before - skew


def _is_of_our_making(claims: dict[str, Any]) -> bool:
    """The claims have the types that we give them; whoever reads them need not ask again."""
    audience = claims["aud"]
    texts = [claims["sub"], claims["client_id"], claims["jti"]]
    texts += audience if isinstance(audience, list) and audience else [audience]
    return all(isinstance(text, str) for text in texts)
