"""Fronting links out. What comes in is read by the registry itself, as seeds and commands are."""

from __future__ import annotations

from typing import Any

from admin_api.serializers.moments import timestamp
from oauth.models import FrontingLink


def link_view(row: FrontingLink) -> dict[str, Any]:
    """A link as operators see one; both resources must have been read with it."""
    return {
        "source_slug": row.source.slug,
        "target_slug": row.target.slug,
        "scope_map": row.scope_map,
        "created_at": timestamp(row.created_at),
        "created_by": row.created_by,
    }
