"""Proxies and sessions as operators see them, wherever they look."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from authplane.core import clock
from broker.models import GatewaySession, OAuthProxy
from broker.proxies.selectors import view_of


def shown_proxy(row: OAuthProxy) -> dict[str, Any]:
    """The members of a proxy; `config` as it was written."""
    return {
        "id": row.pk,
        "slug": row.slug,
        "name": row.name,
        "mode": row.mode,
        "provider": row.provider.slug,
        "provider_id": row.provider.number,
        "target_url": row.target_url,
        "allowed_redirects": row.allowed_redirects,
        "scopes": row.scopes,
        "require_consent": row.require_consent,
        "enabled": row.enabled,
        "config": row.config,
        "issuer": view_of(row).issuer,
        "version": row.version,
    }


def shown_session(row: GatewaySession, *, now: datetime) -> dict[str, Any]:
    """Whose tokens of which client, for how long. Nothing of a token."""
    ended = row.revoked_at
    return {
        "id": str(row.pk),
        "proxy_id": row.proxy_id,
        "proxy": row.proxy.slug,
        "user_id": str(row.user_id),
        "client_id": row.client.client_id,
        "client_name": row.client.name,
        "connection_id": str(row.connection_id),
        "active": ended is None and row.expires_at > now,
        "created_at": clock.as_text(row.created_at),
        "expires_at": clock.as_text(row.expires_at),
        "revoked_at": clock.as_text_or_none(ended),
    }
