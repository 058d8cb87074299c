"""Identity providers out. What comes in is read by the services, as seeds and commands are."""

from __future__ import annotations

from typing import Any

from authplane.core.clock import as_text
from broker.models import FederatedIdentity, IdentityProvider
from broker.signin.view import shown_identity, shown_provider


def identity_provider_view(row: IdentityProvider) -> dict[str, Any]:
    """A provider as operators see one. Of its secret only that there is one."""
    return shown_provider(row) | {
        "created_at": as_text(row.created_at),
        "updated_at": as_text(row.updated_at),
    }


def identity_view(row: FederatedIdentity) -> dict[str, Any]:
    """Which subject is which user."""
    return shown_identity(row) | {
        "created_at": as_text(row.created_at),
        "last_seen_at": as_text(row.last_seen_at),
    }
