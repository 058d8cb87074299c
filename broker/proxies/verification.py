"""Whose a token of a proxy is, and whether it still counts: for whoever lets requests through."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from broker.proxies.selectors import Proxy
from oauth.tokens.standing import read_standing
from oauth.tokens.verification import token_id, verify_access_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The user that a token stands for, and the client that holds it."""

    user_id: uuid.UUID
    client_id: str
    jti: uuid.UUID
    scopes: tuple[str, ...]
    expires_at: datetime


def holder_of(proxy: Proxy, unverified_token: str, *, now: datetime) -> Holder | None:
    """Whose token of exactly this proxy it is; None for every other one, and for one that ended.

    Signature, type, issuer, audience and times first; then, in one statement, whether token,
    session, client and user still count. Nobody else is asked.

    Spec: RFC 9068 section 4 (MUST: issuer and audience); RFC 8725 section 3.9.
    """
    claims = verify_access_token(unverified_token, now=now, issuer=proxy.key)
    if claims is None or claims["aud"] != [proxy.resource]:
        return None
    jti = token_id(claims)
    standing = read_standing(jti) if jti is not None else None
    if jti is None or standing is None or not standing.is_live or standing.user_id is None:
        return None
    return Holder(
        user_id=standing.user_id,
        client_id=str(claims["client_id"]),
        jti=jti,
        scopes=tuple(str(claims.get("scope", "")).split()),
        expires_at=datetime.fromtimestamp(claims["exp"], tz=UTC),
    )
