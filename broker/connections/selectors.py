"""Connections by whose they are and where they lead."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from broker.models import Connection


def connection_by_id(key: uuid.UUID) -> Connection | None:
    """The connection, whatever its status."""
    return Connection.objects.filter(pk=key).select_related("provider").first()


def connection_to_provider(*, user_id: uuid.UUID, provider_id: uuid.UUID) -> Connection | None:
    """The user's connection to the provider, whatever its status."""
    found = Connection.objects.filter(user_id=user_id, provider_id=provider_id)
    return found.select_related("provider").first()


def connections_of(user_id: uuid.UUID) -> QuerySet[Connection]:
    """The user's connections that were not ended, the latest first."""
    live = Connection.objects.filter(user_id=user_id).exclude(status=Connection.Status.REVOKED)
    return live.select_related("provider", "server").order_by("-connected_at", "-id")


def name_of(connection: Connection) -> str:
    """What metrics and the record call the service: the provider's slug, `server` for others."""
    return connection.provider.slug if connection.provider is not None else "server"
