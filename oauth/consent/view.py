"""A consent as operators see it."""

from typing import Any

from authplane.core.clock import as_text
from oauth.models import ConsentGrant


def shown_consent(row: ConsentGrant) -> dict[str, Any]:
    """The members of a consent; `revoked_at` is absent while it is in force."""
    shown = {
        "id": str(row.pk),
        "user_id": str(row.user_id),
        "client_id": row.client.client_id,
        "resource_id": str(row.resource_id),
        "scopes": row.scopes,
        "created_at": as_text(row.created_at),
        "updated_at": as_text(row.updated_at),
    }
    if row.projects:
        shown["projects"] = row.projects
    return shown | ({"revoked_at": as_text(row.revoked_at)} if row.revoked_at else {})
