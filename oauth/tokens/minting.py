"""Make tokens. Nothing is stored here, so that minting can precede the one statement that stores.

The last two functions are what django-oauth-toolkit's generator settings name.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from authplane.core import clock
from authplane.core.hashing import new_secret, sha256_hex
from authplane.core.ids import uuid7
from oauth.issuers import issuer_url
from oauth.keys.signing import sign_compact
from oauth.keys.store import signing_key
from oauth.models import Resource
from oauth.resources.selectors import resource_of_audience
from oauth.resources.view import ResourceView
from oauth.tokens.authorization import Authorization
from oauth.tokens.claims import access_token_claims
from oauth.tokens.opaque import new_handle


@dataclass(frozen=True, slots=True)
class MintedAccess:
    """An access token that is not recorded yet. `jti` is the id of its future ledger row."""

    jti: uuid.UUID
    token: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MintedRefresh:
    """A refresh token that is not recorded yet, and the hash it will be known by."""

    id: uuid.UUID
    token: str
    checksum: str


def new_access(authorization: Authorization, *, now: datetime) -> MintedAccess:
    """An access token in the format that its resource wants: a JWT unless it says `opaque`.

    Tokens for this server itself are always JWTs, which `/oauth/userinfo` reads.
    """
    if not _wants_handles(resource_of_audience(authorization.resource)):
        return sign_access(authorization, now=now)
    jti = uuid7()
    handle = new_handle(jti, certificate=authorization.certificate)
    return _minted(jti, handle, lifetime=authorization.lifetime, issued_at=int(now.timestamp()))


def sign_access(authorization: Authorization, *, now: datetime) -> MintedAccess:
    """An `at+jwt` under the active key.

    Spec: RFC 9068 section 2.1.
    """
    key = signing_key()
    jti = uuid7()
    issued_at = int(now.timestamp())
    claims = access_token_claims(
        authorization,
        issuer=issuer_url(authorization.client.issuer),
        jti=jti,
        issued_at=issued_at,
    )
    token = sign_compact(claims, key=key, typ="at+jwt")
    return _minted(jti, token, lifetime=authorization.lifetime, issued_at=issued_at)


def new_refresh(prefix: str = "") -> MintedRefresh:
    """A random handle of 256 bits, behind the prefix."""
    token = f"{prefix}{new_secret(32)}"
    return MintedRefresh(uuid7(), token, sha256_hex(token))


def mint_access_token(request: Any, *, refresh_token: bool = False) -> str:  # noqa: ARG001
    """The access token for `request.authorization`; leaves the minted value on the request."""
    decided = request.authorization
    request.minted_access = new_access(decided, now=decided.decided_at or clock.now())
    return str(request.minted_access.token)


def mint_refresh_token(request: Any) -> str:
    """A refresh token; leaves the minted value on the request."""
    request.minted_refresh = new_refresh()
    return str(request.minted_refresh.token)


def _minted(jti: uuid.UUID, token: str, *, lifetime: int, issued_at: int) -> MintedAccess:
    begun = datetime.fromtimestamp(issued_at, tz=UTC)
    return MintedAccess(jti, token, begun, begun + timedelta(seconds=lifetime))


def _wants_handles(resource: ResourceView | None) -> bool:
    if resource is None or resource.backend_kind == Resource.Backend.ISSUER:
        return False
    return resource.rules.token_format == "opaque"  # noqa: S105 - a format
