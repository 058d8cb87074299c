"""Keys and staff as owners see them, wherever they look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from admin_api.administrators.keys import state_of
from admin_api.models import AdminApiKey, StaffRole
from authplane.core import clock


def shown_key(row: AdminApiKey) -> dict[str, Any]:
    """The members of a key: of itself only how it begins."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "description": row.description,
        "prefix": row.prefix,
        "role": row.role,
        "allowed": row.allowed,
        "state": state_of(row, now=clock.now()),
        "created_at": _moment(row.created_at),
        "created_by": row.created_by,
        "expires_at": _moment(row.expires_at),
        "revoked_at": _moment(row.revoked_at),
        "last_used_at": _moment(row.last_used_at),
    }


def shown_staff(row: StaffRole) -> dict[str, Any]:
    """A user with the role, and who gave it."""
    return {
        "user_id": str(row.user_id),
        "email": row.user.email,
        "name": row.user.name,
        "status": row.user.status,
        "role": row.role,
        "granted_at": _moment(row.granted_at),
        "granted_by": row.granted_by,
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
