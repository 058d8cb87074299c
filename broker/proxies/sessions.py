"""Sessions: the tokens of a proxy that began with one authorization, and how they end."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from audit import record
from audit.events import GatewaySessionRevoked, GatewaySessionsCleaned
from authplane.core.config import config
from authplane.core.purge import delete_in_batches
from broker.models import Connection, GatewaySession
from broker.proxies.selectors import Proxy
from oauth.models import AuthorizationCode, AuthorizationRequest
from oauth.tokens.families import revoke_family

LIFETIME = timedelta(hours=1)
USABLE = (Connection.Status.ACTIVE, Connection.Status.REFRESHING)


class NoSuchSession(Exception):
    """No session has this id."""


def begin_session(
    proxy: Proxy,
    waiting: AuthorizationRequest,
    *,
    connection: Connection,
    family_id: uuid.UUID,
    now: datetime,
) -> None:
    """The tokens of this family stand for the connection until the session ends."""
    GatewaySession.objects.create(
        proxy_id=proxy.id,
        user_id=waiting.user_id,
        client_id=waiting.client_id,
        connection=connection,
        family_id=family_id,
        created_at=now,
        expires_at=now + timedelta(seconds=config().proxies.session_ttl),
    )


def live_session(family_id: uuid.UUID, *, now: datetime) -> GatewaySession | None:
    """The session of the family while it counts: not ended, and its connection can be used."""
    return (
        GatewaySession.objects.select_related("connection")
        .filter(
            family_id=family_id,
            revoked_at=None,
            expires_at__gt=now,
            connection__status__in=USABLE,
        )
        .first()
    )


def sessions(**filters: Any) -> QuerySet[GatewaySession]:
    """Sessions, the newest first."""
    return (
        GatewaySession.objects.filter(**filters)
        .select_related("proxy", "client", "user", "connection__provider")
        .order_by("-id")
    )


def active(now: datetime) -> Q:
    """Those that count."""
    return Q(revoked_at=None, expires_at__gt=now)


def revoke_session(key: uuid.UUID, *, now: datetime, actor: str = "system") -> bool:
    """No token of the session works any more; False when it was ended before.

    A code that was not redeemed yet is withdrawn first, so that a redemption at this moment either
    finds it gone or leaves a family behind that is then revoked.

    Raises: NoSuchSession.
    """
    with transaction.atomic():
        row = (
            GatewaySession.objects.select_for_update(of=("self",))
            .select_related("client", "proxy")
            .filter(pk=key)
            .first()
        )
        if row is None:
            raise NoSuchSession
        if row.revoked_at is not None:
            return False
        _end(row, cause="gateway_session", now=now, actor=actor)
    return True


def revoke_sessions(rows: Iterable[GatewaySession], *, now: datetime, actor: str) -> int:
    """The same for several; how many were ended by this call."""
    return sum(revoke_session(row.pk, now=now, actor=actor) for row in rows)


def statistics(*, now: datetime) -> dict[str, int]:
    """How many sessions there are, of which kinds, and of how many users."""
    counted = GatewaySession.objects.aggregate(
        total_sessions=Count("pk"),
        active_sessions=Count("pk", filter=active(now)),
        expired_sessions=Count("pk", filter=Q(revoked_at=None, expires_at__lte=now)),
        revoked_sessions=Count("pk", filter=Q(revoked_at__isnull=False)),
        unique_users=Count("user", distinct=True),
    )
    return {name: int(value) for name, value in counted.items()}


def clean_up_for(actor: str, *, now: datetime) -> int:
    """The same because somebody asked for it: the record tells who, and how many there were."""
    deleted = clean_up(now)
    with transaction.atomic():
        record.record(GatewaySessionsCleaned(actor_id=actor, deleted=deleted))
    return deleted


def clean_up(now: datetime) -> int:
    """Sessions that ended are gone; how many."""
    ended = GatewaySession.objects.filter(
        Q(expires_at__lte=now) | Q(revoked_at__lte=now - LIFETIME)
    )
    return delete_in_batches(ended)


def _end(row: GatewaySession, *, cause: str, now: datetime, actor: str) -> None:
    AuthorizationCode.objects.filter(
        family_id=row.family_id, consumed_at=None, revoked_at=None
    ).update(revoked_at=now)
    revoke_family(
        family_id=row.family_id,
        cause=cause,
        now=now,
        client_id=row.client.client_id,
        actor_id=actor,
    )
    row.revoked_at = now
    row.save(update_fields=["revoked_at"])
    record.record(
        GatewaySessionRevoked(
            actor_id=actor,
            client_id=row.client.client_id,
            proxy=row.proxy.slug,
            session=str(row.pk),
            subject=str(row.user_id),
        )
    )
