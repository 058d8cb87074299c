"""Sign a JWT with one of our keys."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jwt.algorithms import get_default_algorithms

from authplane.core.hashing import b64url
from authplane.core.http import encode_json

if TYPE_CHECKING:
    from oauth.keys.store import LoadedKey

_ALGORITHMS = get_default_algorithms()


def sign_compact(claims: dict[str, Any], *, key: LoadedKey, typ: str) -> str:
    """The claims as a compact JWS of this type.

    The signature is PyJWT's. Its framing is not, because it composes and checks the same header
    anew for every token, which costs as much as the signature itself.

    Spec: RFC 7515 section 7.1; RFC 8725 section 3.11 (explicit typing).
    """
    payload = b64url(encode_json(claims).encode())
    signed = f"{_header(key.algorithm, key.kid, typ)}.{payload}"
    signature = _ALGORITHMS[key.algorithm].sign(signed.encode("ascii"), key.private_key)
    return f"{signed}.{b64url(signature)}"


@lru_cache(maxsize=64)
def _header(algorithm: str, kid: str, typ: str) -> str:
    header = {"alg": algorithm, "kid": kid, "typ": typ}
    return b64url(encode_json(header).encode())
