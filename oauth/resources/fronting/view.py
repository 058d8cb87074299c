"""What operators see of a fronting link, wherever they ask."""

from __future__ import annotations

from typing import Any

from authplane.core.clock import as_text
from oauth.models import FrontingLink


def link_view(row: FrontingLink) -> dict[str, Any]:
    """A link as operators see one; both resources must have been read with it."""
    return {
        "source_slug": row.source.slug,
        "target_slug": row.target.slug,
        "scope_map": row.scope_map,
        "created_at": as_text(row.created_at),
        "created_by": row.created_by,
    }
