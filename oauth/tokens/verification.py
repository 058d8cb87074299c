"""Verify our own access tokens: signature, type, issuer and times. Revocation is asked apart."""

import re
import threading
import uuid
from datetime import datetime
from typing import Any, Final

import jwt

from authplane.core.config import config
from authplane.core.hashing import sha256
from authplane.core.jose import JoseError, unverified_header
from oauth.issuers import issuer_url
from oauth.keys.algorithms import PublicKey
from oauth.keys.store import verification_keys

_MAX_LENGTH: Final = 16_384
_MAX_REMEMBERED: Final = 4096
"""About two kilobytes each; a busy server sees fewer tokens within minutes."""
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

_remembered: dict[bytes, tuple[str, PublicKey, dict[str, Any]]] = {}
_room = threading.Lock()


def verify_access_token(
    presented_token: str, *, now: datetime, expired_too: bool = False, issuer: str = ""
) -> dict[str, Any] | None:
    """The claims of a token that this issuer signed and that is in force; None otherwise.

    The algorithm is the key's own: a header that says `none`, or HS256 with our public key as the
    shared secret, names a key of another algorithm and fails.

    Spec: RFC 9068 section 4; RFC 8725 sections 3.1 and 3.11.
    """
    if len(presented_token) > _MAX_LENGTH or not _COMPACT.fullmatch(presented_token):
        return None
    claims = _signed_claims(presented_token, issuer=issuer_url(issuer))
    if claims is None:
        return None
    return claims if expired_too or is_in_force(claims, now=now) else None


def _signed_claims(presented_token: str, *, issuer: str) -> dict[str, Any] | None:
    """The claims of a token that a key in force has signed; the caller gets a copy of its own.

    A resource server asks about the same token with every call. What its bytes say under a key
    cannot change, so it is remembered for a while; whether the key is still in force is asked
    each time, and everything that can end a token is asked elsewhere.
    """
    remembered = _remembered.get(digest := sha256(presented_token))
    if remembered is not None:
        kid, key, claims = remembered
        known = verification_keys().get(kid)
        if known is not None and known.public_key is key and claims["iss"] == issuer:
            return dict(claims)
    found = _verified(presented_token, issuer=issuer)
    if found is None:
        return None
    with _room:
        if len(_remembered) >= _MAX_REMEMBERED:
            # The oldest half goes: cheaper than keeping an order that every look-up changes.
            for old in list(_remembered)[: _MAX_REMEMBERED // 2]:
                del _remembered[old]
        _remembered[digest] = found
    return dict(found[2])


def _verified(presented_token: str, *, issuer: str) -> tuple[str, PublicKey, dict[str, Any]] | None:
    """Key id, key and claims of a token whose signature holds."""
    try:
        header = unverified_header(presented_token)
        kid = str(header.get("kid"))
        known = verification_keys().get(kid)
        if known is None or str(header.get("typ", "")).lower() != "at+jwt":
            return None
        algorithm, key = known
        claims: dict[str, Any] = jwt.decode(
            presented_token,
            key,
            algorithms=[algorithm],
            issuer=issuer,
            options={
                "require": ["iss", "sub", "aud", "client_id", "jti", "exp", "iat"],
                "verify_aud": False,
                # Judged by the caller against our one clock.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (jwt.PyJWTError, JoseError, ValueError):
        return None
    return (kid, key, claims) if _is_of_our_making(claims) else None


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
