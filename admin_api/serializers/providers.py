"""Upstream services out. What comes in is read by the services, as seeds and commands are."""

from __future__ import annotations

from typing import Any

from authplane.core.clock import as_text
from broker.models import BrokerProvider
from broker.providers.view import shown_provider


def provider_view(row: BrokerProvider) -> dict[str, Any]:
    """A provider as operators see one. Of its secret only that there is one."""
    return shown_provider(row) | {
        "created_at": as_text(row.created_at),
        "updated_at": as_text(row.updated_at),
    }
