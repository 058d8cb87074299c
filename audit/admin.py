"""The record in the console: to be read, not to be written."""

from __future__ import annotations

import json

from django.contrib import admin

from audit.models import AuditEvent
from authplane.core.readonly import ReadOnlyAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """What happened, the latest first."""

    list_display = ("created_at", "action", "actor_id", "client_id")
    search_fields = ("=action", "=actor_id", "=client_id")
    search_help_text = "An action, an actor's id or a client's id, in full."
    shown = (
        "id", "created_at", "action", "actor_id", "client_id", "detail", "address", "request_id",
        "trace_id",
    )  # fmt: skip

    @admin.display(description="address")
    def address(self, row: AuditEvent) -> str:
        """Where the request came from, unless that was erased. The salt stays where it is."""
        return str(json.loads(row.personal)["ip"]) if row.personal else ""
