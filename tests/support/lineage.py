"""Tokens with a history, made as a grant makes them, whatever grants a server offers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oauth.models import AccessToken, Client


@dataclass(frozen=True, slots=True)
class Issued:
    """A token on the wire and its id."""

    token: str
    jti: uuid.UUID

    @property
    def row(self) -> AccessToken:
        """What the ledger holds of it at this moment."""
        from oauth.models import AccessToken

        return AccessToken.objects.get(pk=self.jti)


def issue(client: Client, *, resource: str, **decided: Any) -> Issued:
    """A token for the client at the resource; `decided` are members of the authorization."""
    from audit import events, record
    from authplane.core import clock
    from oauth.tokens import ledger, minting
    from oauth.tokens.authorization import Authorization

    authorization = Authorization(
        **{
            "kind": "token_exchange",
            "client": client,
            "resource": resource,
            "subject": str(decided.get("user_id") or client.client_id),
            "scope": ("read",),
            "lifetime": 900,
        }
        | decided
    )
    minted = minting.sign_access(authorization, now=clock.now())
    event = record.prepare(
        events.ClientCredentialsIssued(
            actor_id=client.client_id, client_id=client.client_id, jti=str(minted.jti), scopes=""
        )
    )
    ledger.record_access(ledger.Issue(authorization=authorization, access=minted, event=event))
    return Issued(minted.token, minted.jti)


def chain(client: Client, *, resource: str, length: int, first: Issued, **decided: Any) -> Issued:
    """The last of so many tokens, each made from the one before it."""
    last = first
    for _ in range(length):
        last = issue(client, resource=resource, parent=last.jti, **decided)
    return last


def received(token: str) -> Issued:
    """A token that came over the wire."""
    import jwt

    claims = jwt.decode(token, options={"verify_signature": False})
    return Issued(token, uuid.UUID(claims["jti"]))
