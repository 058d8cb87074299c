"""Servers and what is connected as users and operators see them. Never a token."""

from __future__ import annotations

from typing import Any, Final

from authplane.core import clock
from broker.models import Connection, UpstreamServer

CONNECTED: Final = "connected"
RECONNECT: Final = "needs_reconnecting"
NOT_CONNECTED: Final = "needs_connecting"
OPEN: Final = "no_auth_required"
LIVE: Final = (Connection.Status.ACTIVE, Connection.Status.REFRESHING)


def connection_of(row: UpstreamServer) -> Connection | None:
    """What is connected there and was not ended; None without."""
    found: Connection | None = getattr(row, "connection", None)
    return None if found is None or found.status == Connection.Status.REVOKED else found


def status_of(row: UpstreamServer) -> str:
    """One of the four constants of this module."""
    found = connection_of(row)
    if found is not None:
        return CONNECTED if found.status in LIVE else RECONNECT
    return OPEN if row.requires_auth is False else NOT_CONNECTED


def shown_server(row: UpstreamServer) -> dict[str, Any]:
    """The members of a server."""
    found = connection_of(row)
    return {
        "uuid": str(row.pk),
        "name": row.name,
        "url": row.url,
        "profile": str(row.profile_id),
        "user_id": str(row.profile.project.user_id),
        "status": status_of(row),
        "requires_auth": row.requires_auth,
        "connection": None if found is None else str(found.pk),
        "scopes": [] if found is None else found.scopes_granted,
        "connected_at": None if found is None else clock.as_text_or_none(found.connected_at),
        "expires_at": None if found is None else clock.as_text_or_none(found.access_expires_at),
        "created_at": clock.as_text_or_none(row.created_at),
    }


def shown_connection(row: Connection) -> dict[str, Any]:
    """The members of a connection, to a provider or to a server."""
    return {
        "id": str(row.pk),
        "provider": None if row.provider is None else row.provider.slug,
        "server_uuid": None if row.server_id is None else str(row.server_id),
        "name": shown_name(row),
        "status": row.status,
        "scopes": row.scopes_granted,
        "account": row.account,
        "connected_at": clock.as_text_or_none(row.connected_at),
        "expires_at": clock.as_text_or_none(row.access_expires_at),
        "last_used_at": clock.as_text_or_none(row.last_used_at),
        "updated_at": clock.as_text_or_none(row.updated_at),
    }


def shown_name(row: Connection) -> str:
    """What people call the service."""
    if row.provider is not None:
        return row.provider.display_name
    return str(row.server) if row.server is not None else ""
