"""Signed tokens of others, read strictly: RFC 7515 verification and RFC 7638 thumbprints.

Only asymmetric algorithms exist here. With HMAC in the list, whoever knows a public key could sign
with it as if it were a shared secret.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import jwt
from jwt.algorithms import get_default_algorithms

from authplane.core.hashing import b64url, b64url_decode, sha256

if TYPE_CHECKING:
    from collections.abc import Collection

ASYMMETRIC: Final = frozenset({
    "ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
})  # fmt: skip

MAX_TOKEN: Final = 16 * 1024
MIN_RSA_BITS: Final = 2048
SEGMENTS: Final = 3

THUMBPRINT_MEMBERS: Final = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}
KEY_TYPES: Final = {"ES": "EC", "Ed": "OKP", "RS": "RSA", "PS": "RSA"}
CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}


class JoseError(Exception):
    """A token or key that is malformed, not acceptable here, or not signed by whom it claims."""


def thumbprint(jwk: dict[str, Any]) -> str:
    """The SHA-256 thumbprint of a public key.

    Spec: RFC 7638 section 3.
    Raises: JoseError.
    """
    members = THUMBPRINT_MEMBERS.get(str(jwk.get("kty")))
    if members is None:
        raise JoseError("key type is not supported")
    if not all(isinstance(jwk.get(name), str) for name in members):
        raise JoseError("key is incomplete")
    canonical = json.dumps({name: jwk[name] for name in members}, separators=(",", ":"))
    return b64url(sha256(canonical))


def unverified_header(token: str) -> dict[str, Any]:
    """The protected header, which nobody has vouched for yet.

    Raises: JoseError.
    """
    return _object(_segments(token)[0])


def unverified_claims(token: str) -> dict[str, Any]:
    """The payload, which nobody has vouched for yet.

    Raises: JoseError.
    """
    return _object(_segments(token)[1])


def verify_jws(
    token: str,
    *,
    keys: list[dict[str, Any]],
    algorithms: Collection[str],
    typ: Collection[str] | None,
) -> dict[str, Any]:
    """The claims of ``token``, signed by one of ``keys``. Its times and audience are not checked.

    ``typ`` names the accepted types, without case and ``application/``; None accepts any type.

    Spec: RFC 7515 section 5.2; RFC 8725 sections 3.1, 3.11 and 3.12.
    Raises: JoseError.
    """
    head, body, signature = _segments(token)
    header = _object(head)
    algorithm = header.get("alg")
    if algorithm not in algorithms or algorithm not in ASYMMETRIC:
        raise JoseError("algorithm is not accepted")
    if "crit" in header or "b64" in header:
        # RFC 7515 section 4.1.11: an extension we do not know must not be skipped over.
        raise JoseError("header demands an extension")
    if typ is not None and _media_type(header.get("typ")) not in {name.lower() for name in typ}:
        raise JoseError("token type is not accepted")
    signed = f"{head}.{body}".encode("ascii")
    proof = _bytes(signature)
    candidates = _candidates(keys, algorithm=algorithm, kid=header.get("kid"))
    if not any(_verifies(key, algorithm, signed, proof) for key in candidates):
        raise JoseError("no known key has signed this token")
    return _object(body)


def public_key(jwk: dict[str, Any], *, algorithm: str) -> Any:
    """The key object of ``jwk`` for ``algorithm``.

    Raises: JoseError when the key is private, too short, or made for something else.
    """
    if algorithm not in ASYMMETRIC:
        raise JoseError("algorithm is not accepted")
    if "d" in jwk or "k" in jwk:
        raise JoseError("key is not a public key")
    if jwk.get("kty") != KEY_TYPES[algorithm[:2]]:
        raise JoseError("key does not fit the algorithm")
    if algorithm in CURVES and jwk.get("crv") != CURVES[algorithm]:
        raise JoseError("key does not fit the algorithm")
    try:
        key = get_default_algorithms()[algorithm].from_jwk(jwk)
    except (jwt.InvalidKeyError, ValueError, TypeError, KeyError):
        raise JoseError("key is malformed") from None
    if jwk.get("kty") == "RSA" and key.key_size < MIN_RSA_BITS:
        raise JoseError("key is too short")
    return key


def _candidates(keys: list[Any], *, algorithm: str, kid: object) -> list[dict[str, Any]]:
    """The keys that may have signed: by id where the token names one, and made for signing."""
    if kid is not None and not isinstance(kid, str):
        raise JoseError("key id must be text")
    fitting = [
        key
        for key in keys
        if isinstance(key, dict)
        and key.get("kty") == KEY_TYPES[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and _may_verify(key.get("key_ops"))
    ]
    if kid is None:
        return fitting
    # A set of one key without an id is common; it can only be meant for every token.
    return [key for key in fitting if key.get("kid") == kid] or [
        key for key in fitting if "kid" not in key
    ]


def _may_verify(operations: object) -> bool:
    """Whether a key that lists its purposes lists this one (RFC 7517 section 4.3)."""
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _verifies(jwk: dict[str, Any], algorithm: str, signed: bytes, signature: bytes) -> bool:
    try:
        key = public_key(jwk, algorithm=algorithm)
    except JoseError:
        return False
    return bool(get_default_algorithms()[algorithm].verify(signed, key, signature))


def _segments(token: str) -> list[str]:
    if len(token) > MAX_TOKEN:
        raise JoseError("token is too long")
    segments = token.split(".")
    if len(segments) != SEGMENTS or not all(segments):
        raise JoseError("token is not a signed token")
    return segments


def _bytes(segment: str) -> bytes:
    try:
        return b64url_decode(segment)
    except ValueError:
        raise JoseError("token is not base64url") from None


def _object(segment: str) -> dict[str, Any]:
    """The JSON object of one segment.

    A name that occurs twice is refused: two readers may pick different values of it.

    Spec: RFC 7515 section 4 (header names MUST be unique); RFC 8725 section 2.4.
    """
    try:
        document = json.loads(
            _bytes(segment).decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        raise JoseError("token does not hold JSON") from None
    if not isinstance(document, dict):
        raise JoseError("token does not hold a JSON object")
    return document


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(members)
    if len(unique) != len(members):
        raise JoseError("token names a member twice")
    return unique


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _media_type(typ: object) -> str:
    """The type without its optional prefix (RFC 7515 section 4.1.9)."""
    if not isinstance(typ, str):
        return ""
    return typ.lower().removeprefix("application/")
