"""Opaque access tokens: handles that tell their holder nothing, for resources that ask us anyway.

A handle is the token's ledger id under a keyed digest. Nothing of it is stored, so that a stolen
database holds no token, and an id that somebody read in a log or a report is no token either.
"""

import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from authplane.core.config import config
from authplane.core.hashing import b64url, b64url_decode, constant_time_equals
from oauth.models import Client
from oauth.tokens.authorization import Authorization
from oauth.tokens.claims import access_token_claims
from oauth.tokens.exchange.actors import agents_of
from oauth.tokens.standing import Described, Standing, read_described, read_standing, read_standings
from oauth.tokens.verification import is_in_force, token_id, verify_access_token

PREFIX: Final = "apat_"
"""What secret scanners look for."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A handle of our making: the ledger id it stands for, and what only the handle carries."""

    jti: uuid.UUID
    certificate: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The claims a handle stands for, the same that a JWT would carry, and whether it counts."""

    claims: dict[str, Any]
    standing: Standing


def new_handle(jti: uuid.UUID, *, certificate: str = "") -> str:
    """The token for this ledger row: 69 characters, or 112 when bound to a certificate.

    The ledger does not know the certificate's thumbprint, so the handle carries it.

    Spec: RFC 6749 section 1.4 (tokens may be opaque); RFC 8705 section 3.2.
    """
    payload = jti.bytes + (b64url_decode(certificate) if certificate else b"")
    return PREFIX + b64url(payload + _digest(payload, key=config().secrets.integrity))


def read_handle(presented_token: str) -> Handle | None:
    """What the handle stands for; None when we did not make it. No statement.

    The integrity key's predecessor counts as well, so that a rotation ends no token.
    """
    if len(presented_token) not in _LENGTHS or not presented_token.startswith(PREFIX):
        return None
    try:
        raw = b64url_decode(presented_token.removeprefix(PREFIX))
    except ValueError:
        return None
    payload, presented_digest = raw[:-_DIGEST_BYTES], raw[-_DIGEST_BYTES:]
    secrets = config().secrets
    keys = [key for key in (secrets.integrity, secrets.integrity_old) if key]
    # No early end: each key is tried, whether or not the one before it fitted.
    fits = [constant_time_equals(_digest(payload, key=key), presented_digest) for key in keys]
    if not any(fits):
        return None
    bound_to = payload[_ID_BYTES:]
    return Handle(uuid.UUID(bytes=payload[:_ID_BYTES]), b64url(bound_to) if bound_to else "")


def read_access(presented_token: str, *, now: datetime) -> Resolved | None:
    """An access token of ours that is in force, JWT or handle, with its standing. One statement.

    None for everything else: what we did not make, what is expired, what the ledger does not know.
    Whether anything has ended the token is for the caller to ask of the standing.
    """
    handle = read_handle(presented_token)
    if handle is not None:
        resolved = resolve(handle)
        return resolved if resolved and is_in_force(resolved.claims, now=now) else None
    claims = verify_access_token(presented_token, now=now)
    row_id = token_id(claims) if claims is not None else None
    standing = read_standing(row_id) if row_id is not None else None
    return Resolved(claims, standing) if claims is not None and standing is not None else None


def read_both(first: str, second: str, *, now: datetime) -> tuple[Resolved | None, Resolved | None]:
    """Two access tokens as `read_access` reads one. One statement when both are JWTs."""
    claims = [verify_access_token(presented_token, now=now) for presented_token in (first, second)]
    ids = [token_id(verified) if verified else None for verified in claims]
    if ids[0] is None or ids[1] is None:
        return read_access(first, now=now), read_access(second, now=now)
    standings = read_standings(ids[0], ids[1])
    read = [
        Resolved(verified, standings[row_id]) if verified and row_id in standings else None
        for verified, row_id in zip(claims, ids, strict=True)
    ]
    return read[0], read[1]


def resolve(handle: Handle) -> Resolved | None:
    """What stands in the ledger for the handle, expired or not; None when it has nothing.

    One statement. Whoever asks judges the times by the claims, as those of a JWT.
    """
    found = read_described(handle.jti)
    if found is None or found[1].issuer:
        return None
    standing, described = found
    claims = access_token_claims(
        _authorization_of(described, standing=standing, certificate=handle.certificate),
        issuer=config().server.issuer,
        jti=handle.jti,
        issued_at=int(described.created.timestamp()),
    )
    return Resolved(claims, standing)


def _authorization_of(
    described: Described, *, standing: Standing, certificate: str
) -> Authorization:
    return Authorization(
        kind=described.kind,
        client=Client(client_id=described.client_id or "", is_agent=described.is_agent),
        subject=described.subject,
        resource=described.resource,
        scope=tuple(described.scope.split()),
        lifetime=int((described.expires - described.created).total_seconds()),
        user_id=standing.user_id,
        dpop_jkt=described.dpop_jkt,
        certificate=certificate,
        actors=standing.actors,
        agent_chain=agents_of(standing.actors) if described.is_agent else (),
        auth_time=int(described.auth_time.timestamp()) if described.auth_time else None,
        acr=described.acr,
        amr=described.amr,
        projects=described.projects,
    )


def _digest(payload: bytes, *, key: str) -> bytes:
    """Under a key of this purpose alone: what another part signs with the same secret is no token.

    Raises: ValueError without a key, which would make every id a token.
    """
    if not key:
        raise ValueError("a handle without a key proves nothing")
    derived = hmac.digest(key.encode(), b"authplane opaque access token", "sha256")
    return hmac.digest(derived, payload, "sha256")


_ID_BYTES: Final = 16
_DIGEST_BYTES: Final = 32
_LENGTHS: Final = frozenset({len(PREFIX) + 64, len(PREFIX) + 107})
"""Of 48 and 80 bytes in base64url."""
