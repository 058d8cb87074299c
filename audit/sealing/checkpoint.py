"""What is signed: the header of a batch, and that its rows were removed after their time.

Both are JWS in compact form over canonical JSON, so that any library for JWS can check them.
"""

from __future__ import annotations

from typing import Any, Final

from audit.sealing.canonical import encode
from authplane.core.jose import JoseError, thumbprint, unverified_header, verify_jws

ALGORITHM: Final = "ES256"
CHECKPOINT: Final = "authplane-audit-checkpoint"
REMOVAL: Final = "authplane-audit-removal"
SUCCESSOR: Final = "authplane-audit-successor"
FIRST: Final = "0" * 64
"""What the first batch names as the one before it."""

HEADER_MEMBERS: Final = (
    "actions", "count", "first_at", "format", "last_at", "late", "number", "previous", "root",
    "sealed_at", "upto",
)  # fmt: skip

Jwk = dict[str, Any]


def sign(document: dict[str, Any], *, kid: str, typ: str, key: Any) -> str:
    """The document, signed."""
    from jwt.api_jws import PyJWS  # noqa: PLC0415 - whoever only verifies signs nothing

    return PyJWS().encode(
        encode(document).encode(), key, algorithm=ALGORITHM, headers={"kid": kid, "typ": typ}
    )


def read(token: str, *, typ: str, keys: list[Jwk]) -> dict[str, Any] | None:
    """What one of the keys signed; None when none of them signed this as ``typ``."""
    try:
        return verify_jws(token, keys=keys, algorithms=(ALGORITHM,), typ=(typ,))
    except JoseError:
        return None


def unverified_kid(token: str) -> str:
    """Which key the signature names. Raises: JoseError."""
    return str(unverified_header(token).get("kid", ""))


def successors(trusted: list[Jwk], offered: list[tuple[Jwk, str]]) -> list[Jwk]:
    """The trusted keys, and of those offered each that a trusted one named as its successor."""
    known = list(trusted)
    waiting = list(offered)
    while True:
        found = [(jwk, said) for jwk, said in waiting if _is_named(jwk, said, by=known)]
        if not found:
            return known
        known += [jwk for jwk, _ in found]
        waiting = [pair for pair in waiting if pair not in found]


def _is_named(jwk: Jwk, said: str, *, by: list[Jwk]) -> bool:
    statement = read(said, typ=SUCCESSOR, keys=by) if said else None
    try:
        return statement is not None and statement.get("successor") == thumbprint(jwk)
    except JoseError:
        return False
