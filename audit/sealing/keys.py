"""The key that signs checkpoints: its own, sealed at rest, followed by one that it vouches for."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from django.db import transaction
from jwt.algorithms import ECAlgorithm

from audit import record
from audit.events import AuditKeyRotated
from audit.models import AuditKey
from audit.sealing import checkpoint
from audit.sealing.locks import hold_chain
from authplane.core import clock, crypto
from authplane.core.jose import thumbprint
from authplane.core.rewrap import Rewrapped

_PUBLIC: Final = ("kty", "crv", "x", "y")

_opened: dict[str, Any] = {}
"""Private keys by id, opened once in the life of a process."""


def sign(document: dict[str, Any], *, typ: str) -> str:
    """The document signed by the present key. The first use of all makes the first key.

    Raises: CryptoError without a data key, or without the one that sealed the key.
    """
    row = present_key() or _new_key(endorsed_by=None)
    return checkpoint.sign(document, kid=row.kid, typ=typ, key=private_key(row))


def present_key() -> AuditKey | None:
    """The newest key; None before the first."""
    return AuditKey.objects.order_by("-created_at", "-kid").first()


def rotate(*, actor: str = "system") -> AuditKey:
    """A new key signs from now on, and the one before it has said so.

    Raises: CryptoError.
    """
    with transaction.atomic():
        hold_chain()
        row = _new_key(endorsed_by=present_key())
        record.record(AuditKeyRotated(actor_id=actor, kid=row.kid))
    return row


def public_keys() -> list[dict[str, Any]]:
    """Every key that ever signed, as public JWKs, the oldest first."""
    return [published(row) for row in AuditKey.objects.order_by("created_at", "kid")]


def published(row: AuditKey) -> dict[str, Any]:
    """One key for a JWK set, with the word of the key before it.

    Spec: RFC 7517 section 4.
    """
    jwk = {name: row.public_jwk[name] for name in _PUBLIC if name in row.public_jwk}
    more = {"endorsement": row.endorsement} if row.endorsement else {}
    return jwk | {"kid": row.kid, "use": "sig", "alg": checkpoint.ALGORITHM} | more


def genuine_keys() -> list[dict[str, Any]]:
    """The keys whose private part we can open and which fits.

    Whoever may write to the database can add a key, but cannot seal it.

    Raises: CryptoError without a data key.
    """
    crypto.present_key_name()
    return [published(row) for row in AuditKey.objects.order_by("created_at") if _is_genuine(row)]


def private_key(row: AuditKey) -> ec.EllipticCurvePrivateKey:
    """The opened private part.

    Raises: CryptoError.
    """
    if row.kid not in _opened:
        encoded = crypto.open_sealed(bytes(row.private_sealed), context=_context(row.kid))
        _opened[row.kid] = load_der_private_key(encoded, password=None)
    key: ec.EllipticCurvePrivateKey = _opened[row.kid]
    return key


def rewrap(*, discard: bool = False) -> Rewrapped:
    """Keys that an older data key sealed are sealed with the present one.

    One that cannot be opened is never given up: its public part is still needed.
    """
    resealed = unreadable = 0
    for row in AuditKey.objects.all():
        sealed = bytes(row.private_sealed)
        try:
            if not crypto.needs_rewrap(sealed):
                continue
            opened = crypto.open_sealed(sealed, context=_context(row.kid))
        except crypto.CryptoError:
            unreadable += 1
            continue
        anew = crypto.seal(opened, context=_context(row.kid))
        rows = AuditKey.objects.filter(kid=row.kid, private_sealed=sealed)
        resealed += rows.update(private_sealed=anew)
    _ = discard
    return Rewrapped(resealed=resealed, unreadable=unreadable)


def _new_key(*, endorsed_by: AuditKey | None) -> AuditKey:
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = public_jwk(key)
    kid = thumbprint(jwk)
    said = ""
    if endorsed_by is not None:
        said = checkpoint.sign(
            {"successor": kid, "at": clock.now().isoformat()},
            kid=endorsed_by.kid,
            typ=checkpoint.SUCCESSOR,
            key=private_key(endorsed_by),
        )
    encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return AuditKey.objects.create(
        kid=kid,
        public_jwk=jwk,
        private_sealed=crypto.seal(encoded, context=_context(kid)),
        endorsement=said,
        created_at=clock.now(),
    )


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """The members that make up the public part."""
    members: dict[str, Any] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: members[name] for name in _PUBLIC}


def _is_genuine(row: AuditKey) -> bool:
    try:
        encoded = crypto.open_sealed(bytes(row.private_sealed), context=_context(row.kid))
    except crypto.CryptoError:
        return False
    key = load_der_private_key(encoded, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return False
    jwk = public_jwk(key)
    return row.kid == thumbprint(jwk) and row.public_jwk == jwk


def _context(kid: str) -> str:
    """What binds a sealed private part to its key."""
    return f"audit_key:{kid}:private"
