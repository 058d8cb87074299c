"""Keys and groups as operators see them, wherever they look."""

from __future__ import annotations

from typing import Any

from authplane.core import clock
from broker.models import AccessGroup, ApiKey


def shown_key(row: ApiKey) -> dict[str, Any]:
    """The members of a key: of itself only how it begins."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "description": row.description,
        "prefix": row.prefix,
        "user_id": str(row.user_id),
        "user_group_id": str(row.group_id),
        "user_group": row.group.name,
        "state": _state(row),
        "created_at": clock.as_text_or_none(row.created_at),
        "created_by": row.created_by,
        "expires_at": clock.as_text_or_none(row.expires_at),
        "revoked_at": clock.as_text_or_none(row.revoked_at),
        "last_used_at": clock.as_text_or_none(row.last_used_at),
    }


def shown_group(row: AccessGroup) -> dict[str, Any]:
    """A group with the proxies it may use, by their slugs."""
    access = row.access.select_related("proxy").order_by("proxy__slug")
    return {
        "id": str(row.pk),
        "name": row.name,
        "enabled": row.enabled,
        "proxy_access": [
            {"proxy": one.proxy.slug, "requests_per_minute": one.requests_per_minute}
            for one in access
        ],
        "created_at": clock.as_text_or_none(row.created_at),
    }


def _state(row: ApiKey) -> str:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and row.expires_at <= clock.now():
        return "expired"
    return "active"
