"""Connections as operators see them, wherever they look. No credential is among the members."""

from __future__ import annotations

from typing import Any

from authplane.core import clock
from authplane.core.config import config
from broker.models import Connection


def shown_connection(row: Connection) -> dict[str, Any]:
    """The members of a connection. Of its credential only that there is one, and who seals it."""
    return {
        "id": str(row.pk),
        "user_id": str(row.user_id),
        "provider": row.provider.slug if row.provider else "",
        "broker_provider_id": str(row.provider_id or ""),
        "server_id": str(row.server_id or ""),
        "status": row.status,
        "scopes_granted": row.scopes_granted,
        "account": row.account,
        "has_credential": row.credential_sealed is not None or row.access_sealed is not None,
        "version": row.version,
        "enc_backend": config().data_keys.driver,
        "access_expires_at": clock.as_text_or_none(row.access_expires_at),
        "last_used_at": clock.as_text_or_none(row.last_used_at),
        "last_used_by": row.last_used_by,
        "created_at": clock.as_text_or_none(row.created_at),
        "connected_at": clock.as_text_or_none(row.connected_at),
        "updated_at": clock.as_text_or_none(row.updated_at),
        "revoked_at": clock.as_text_or_none(row.revoked_at),
        "revoked_reason": row.revoked_reason,
    }
