"""End tokens by an operator's word: one token, one authorization, or all that a user has."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final, NamedTuple

from django.db import transaction

from audit import record
from audit.events import IssuanceRevokedAdmin, TokenRevoked
from authplane.core.metrics import counter
from oauth.models import AccessToken, AuthorizationCode, TokenFamily
from oauth.resources.selectors import find_resource, resource_of_audience
from oauth.tokens.families import revoke_family
from oauth.tokens.ledger import revoke_access

CAUSE: Final = "operator"


class TokenUnknown(Exception):
    """Neither a token nor an authorization has this id."""

    def __init__(self) -> None:
        super().__init__("token not found")


class NotRevocable(Exception):
    """An upstream service issued the token: nothing here ends it."""

    def __init__(self) -> None:
        super().__init__("an upstream service issued this token: end the connection instead")


class Ended(NamedTuple):
    """How many authorizations, and how many access tokens in force."""

    families: int
    issuances: int


def end_token(key: uuid.UUID, *, now: datetime, actor: str) -> None:
    """The token does not count any more; an authorization ends with all of its tokens.

    What was exchanged from them ends too: its standing hangs on theirs. Ending it again does
    nothing.

    Raises: TokenUnknown, NotRevocable.
    """
    family = TokenFamily.objects.select_related("client").filter(pk=key).first()
    if family is None:
        _end_one(key, now=now, actor=actor)
        return
    with transaction.atomic():
        ended = revoke_family(
            family_id=key,
            cause=CAUSE,
            now=now,
            client_id=family.client.client_id,
            actor_id=actor,
        )
        if ended:
            record.record(
                TokenRevoked(
                    actor_id=actor, client_id=family.client.client_id, family=str(family.pk)
                )
            )
    if ended:
        _count("family_revocation")


def end_issuance(key: uuid.UUID, *, now: datetime, actor: str) -> None:
    """The token does not count any more, nor what was exchanged from it.

    Ending it again does nothing.

    Raises: TokenUnknown, NotRevocable.
    """
    row = _revocable(key)
    with transaction.atomic():
        ended = revoke_access(jti=key, cause=CAUSE, now=now)
        if ended:
            resource = resource_of_audience(row.resource) or find_resource(row.resource)
            record.record(
                IssuanceRevokedAdmin(
                    actor_id=actor,
                    client_id=_client_of(row),
                    id=str(key),
                    subject_user_id=str(row.user_id or ""),
                    resource_id=str(resource.id) if resource else "",
                )
            )
    if ended:
        _count("explicit" if row.user_id else "explicit_machine")


def end_all_of_user(user_id: uuid.UUID, *, cause: str, now: datetime) -> Ended:
    """Nothing that was issued for the user counts any more, at any client, exchanged or not.

    Codes first: one that is being redeemed at this moment holds its row, so that its family is
    there to be ended when the next statement looks. What upstream services issued is not ours to
    end. Runs inside the caller's transaction, which records it.
    """
    AuthorizationCode.objects.filter(user=user_id, consumed_at=None, revoked_at=None).update(
        revoked_at=now
    )
    families = TokenFamily.objects.filter(user=user_id, revoked_at=None, expires_at__gt=now).update(
        revoked_at=now, revoked_reason=cause
    )
    issuances = (
        AccessToken.objects.filter(user_id=user_id, revoked_at=None, expires__gt=now)
        .exclude(kind=AccessToken.Kind.VEND)
        .update(revoked_at=now, revoked_reason=cause)
    )
    return Ended(families, issuances)


def has_live_tokens(user_id: uuid.UUID, *, now: datetime) -> bool:
    """Something issued for the user still counts, or can be refreshed."""
    families = TokenFamily.objects.filter(user=user_id, revoked_at=None, expires_at__gt=now)
    in_force = AccessToken.objects.filter(user_id=user_id, revoked_at=None, expires__gt=now)
    return families.exists() or in_force.exclude(kind=AccessToken.Kind.VEND).exists()


def _end_one(key: uuid.UUID, *, now: datetime, actor: str) -> None:
    row = _revocable(key)
    with transaction.atomic():
        ended = revoke_access(jti=key, cause=CAUSE, now=now)
        if ended:
            record.record(TokenRevoked(actor_id=actor, client_id=_client_of(row), jti=str(key)))
    if ended:
        _count("explicit" if row.user_id else "explicit_machine")


def _revocable(key: uuid.UUID) -> AccessToken:
    """Raises: TokenUnknown, NotRevocable."""
    known = AccessToken.objects.select_related("application").filter(pk=key)
    row: AccessToken | None = known.first()
    if row is None:
        raise TokenUnknown
    if row.kind == AccessToken.Kind.VEND:
        raise NotRevocable
    return row


def _client_of(row: AccessToken) -> str:
    return row.application.client_id if row.application else ""


def _count(reason: str) -> None:
    counter("authserver_tokens_revoked_total").labels(reason).inc()
