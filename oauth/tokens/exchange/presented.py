"""The tokens of an exchange: ours, unspoilt, and live at this moment."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from oauth.errors import OAuthError, Reason
from oauth.resources.selectors import resource_of_audience
from oauth.resources.view import ResourceView
from oauth.tokens.opaque import Resolved, read_access, read_both
from oauth.tokens.standing import Standing

ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
JWT_TYPE: Final = "urn:ietf:params:oauth:token-type:jwt"
TOKEN_TYPES: Final = frozenset({ACCESS_TOKEN_TYPE, JWT_TYPE})
"""What an access token of ours may be called (RFC 8693 section 3)."""


@dataclass(frozen=True, slots=True)
class Presented:
    """An access token of this server that was verified and is live.

    Everything in `claims` was written by this server. Whose token it is and who got it is read from
    the ledger, not from there.
    """

    claims: Mapping[str, Any]
    standing: Standing

    @property
    def jti(self) -> uuid.UUID:
        """The id of its ledger row."""
        return self.standing.jti

    @property
    def subject(self) -> str:
        """The `sub` claim."""
        return str(self.claims["sub"])

    @property
    def client_id(self) -> str:
        """The client that got it."""
        return str(self.claims["client_id"])

    @property
    def audience(self) -> str:
        """What it is for: our tokens have one audience."""
        audience = self.claims["aud"]
        return str(audience[0] if isinstance(audience, list) else audience)

    @property
    def resource(self) -> ResourceView | None:
        """The resource it is for; None when that is registered no longer."""
        return resource_of_audience(self.audience)

    @property
    def scopes(self) -> tuple[str, ...] | None:
        """Its scopes; None when it names none, which is not the same as a narrow scope."""
        return tuple(str(self.claims["scope"]).split()) if self.claims.get("scope") else None

    @property
    def confirmation(self) -> Mapping[str, str]:
        """The key and the certificate it is bound to."""
        bound: Mapping[str, str] = self.claims.get("cnf", {})
        return bound

    def seconds_left(self, *, now: datetime) -> int:
        """How long it is still in force, the clock skew that verification grants left out."""
        return int(self.claims["exp"]) - int(now.timestamp())


def read_tokens(
    parameters: Mapping[str, str], *, now: datetime
) -> tuple[Presented, Presented | None]:
    """The live subject token, and the actor token, of which is not yet asked whether it will do.

    The subject token's audience is not compared with anything: whether this client may exchange it
    is for the gates to say.

    Spec: RFC 8693 section 2.1. Deviates: section 2.2.2 says `invalid_request` for an unacceptable
    token; ours is `invalid_grant`, which clients of this interface are written for.
    Raises: OAuthError.
    """
    subject_token, actor_token = parameters.get("subject_token"), parameters.get("actor_token")
    if not subject_token:
        raise OAuthError(Reason.SUBJECT_TOKEN_MISSING)
    if parameters.get("subject_token_type") not in TOKEN_TYPES:
        raise OAuthError(Reason.SUBJECT_TOKEN_TYPE)
    if actor_token:
        resolved, acting = read_both(subject_token, actor_token, now=now)
    else:
        resolved, acting = read_access(subject_token, now=now), None
    subject = _in_force(resolved, now=now)
    if subject is None:
        raise OAuthError(Reason.SUBJECT_TOKEN_INVALID)
    if not subject.standing.is_live:
        raise OAuthError(Reason.SUBJECT_TOKEN_REVOKED)
    return subject, _in_force(acting, now=now)


def require_actor_types(parameters: Mapping[str, str]) -> None:
    """An actor token's type is one of ours, and none is named without a token.

    Spec: RFC 8693 section 2.1 (`actor_token_type` MUST NOT be included without `actor_token`).
    Deviates: it may be left out beside an actor token, because clients of this interface do.
    Raises: OAuthError(ACTOR_TOKEN_TYPE).
    """
    named = parameters.get("actor_token_type")
    if named is None:
        return
    if named not in TOKEN_TYPES or "actor_token" not in parameters:
        raise OAuthError(Reason.ACTOR_TOKEN_TYPE)


def _in_force(resolved: Resolved | None, *, now: datetime) -> Presented | None:
    """None for what is no access token of ours, is out of force, or is unknown to the ledger.

    A token that lives only by the skew we grant to clocks has no second left to pass on.
    """
    if resolved is None or int(resolved.claims["exp"]) <= int(now.timestamp()):
        return None
    return Presented(resolved.claims, resolved.standing)
