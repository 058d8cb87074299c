"""Keys and staff as owners see them, wherever they look."""

from __future__ import annotations

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
        "created_at": clock.as_text_or_none(row.created_at),
        "created_by": row.created_by,
        "expires_at": clock.as_text_or_none(row.expires_at),
        "revoked_at": clock.as_text_or_none(row.revoked_at),
        "last_used_at": clock.as_text_or_none(row.last_used_at),
    }


def shown_staff(row: StaffRole) -> dict[str, Any]:
    """A user with the role, and who gave it."""
    return {
        "user_id": str(row.user_id),
        "email": row.user.email,
        "name": row.user.name,
        "status": row.user.status,
        "role": row.role,
        "granted_at": clock.as_text_or_none(row.granted_at),
        "granted_by": row.granted_by,
    }
