"""Read signed JWTs: header first, then the signature under one key of one algorithm. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any, Final, TypeGuard

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LEAST_RSA_BITS: Final = 2048
_FAR_FUTURE: Final = 10**12
_SIGNATURE_ONLY: Final[Options] = {
    "verify_signature": True, "verify_aud": False, "verify_iss": False, "verify_exp": False,
    "verify_nbf": False, "verify_iat": False, "verify_sub": False, "verify_jti": False,
}  # fmt: skip
# What each kind of key consists of, and RFC 7638 section 3.2 hashes.
_PUBLIC: Final = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("e", "n")}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class BadSignature(ValueError):
    """Not a JWT, or not one that this key signed; the text is for the log."""


def header_of(unverified_token: str) -> dict[str, Any]:
    """The header, not verified yet. Extensions that must be understood are not.

    Spec: RFC 7515 section 4.1.11 (`crit`). Raises: BadSignature.
    """
    if not COMPACT.fullmatch(unverified_token):
        raise BadSignature("not a compact JWS")
    try:
        header = json.loads(_decoded(unverified_token.partition(".")[0]))
    except ValueError:
        raise BadSignature("header unreadable") from None
    if not isinstance(header, dict) or "crit" in header:
        raise BadSignature("header not understood")
    return header


def type_of(header: dict[str, Any]) -> str:
    """The `typ` in lower case without the prefix that may be left out (RFC 7515 section 4.1.9)."""
    return str(header.get("typ", "")).lower().removeprefix("application/")


def claims_under(unverified_token: str, *, jwk: dict[str, Any], algorithm: str) -> dict[str, Any]:
    """The claims, signed by this key with this algorithm; times and parties are not judged.

    The caller has checked `algorithm` against its list; the key may narrow it to its own.

    Spec: RFC 8725 sections 3.1 and 3.2. Raises: BadSignature.
    """
    if jwk.get("alg", algorithm) != algorithm:
        raise BadSignature("the key is of another algorithm")
    try:
        key = jwt.PyJWK.from_dict(jwk, algorithm=algorithm)
        claims: dict[str, Any] = jwt.decode(
            unverified_token,
            key,
            algorithms=[algorithm],
            options=_SIGNATURE_ONLY,
        )
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as failure:
        raise BadSignature(type(failure).__name__) from None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _LEAST_RSA_BITS:
        raise BadSignature("the key is too short")
    return claims


def public_key(value: object) -> dict[str, Any]:
    """`value` as a public JWK of a kind that we know.

    Spec: RFC 9449 section 4.3, check 7 (no private key). Raises: BadSignature.
    """
    if not isinstance(value, dict) or _PRIVATE & set(value):
        raise BadSignature("jwk is not a public key")
    needed = _PUBLIC.get(str(value.get("kty")))
    if needed is None or not all(isinstance(value.get(name), str) for name in needed):
        raise BadSignature("jwk is incomplete")
    return value


def thumbprint(jwk: dict[str, Any]) -> str:
    """SHA-256 of the key's required members in base64url (RFC 7638 section 3)."""
    members = {name: jwk[name] for name in (*_PUBLIC[jwk["kty"]], "kty")}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return digest(text.encode())


def digest(data: bytes) -> str:
    """SHA-256 in base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def is_time(value: object) -> TypeGuard[int | float]:
    """A NumericDate that is a moment: `true` is 1 to Python, NaN never later, Infinity never past.

    Spec: RFC 7519 section 2.
    """
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _FAR_FUTURE
    )


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
