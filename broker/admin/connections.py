"""Providers, and the accounts of users at them, in the console."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from authplane.core.console_cells import badge, enabled, newest_filter
from authplane.core.readonly import ReadOnlyAdmin
from broker.models import BrokerProvider, Connection

StatusFilter = newest_filter("status", tuple(Connection.Status.values))


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    """Accounts that users connected. What opens them stays sealed."""

    list_display = ("id", "user", "connected_to", "state", "failures", "last_used_at", "created_at")
    list_filter = (StatusFilter,)
    list_select_related = ("user", "provider", "server")
    search_fields = ("id", "user")
    search_help_text = "The id of a connection or of a user, or its first digits."
    ordering = ("-id",)
    shown = (
        "id", "user", "provider", "server", "status", "account", "scopes_granted", "token_type",
        "access_expires_at", "next_attempt_at", "failures", "last_used_at", "last_used_by",
        "connected_at", "created_at", "updated_at", "revoked_at", "revoked_reason", "version",
    )  # fmt: skip

    @admin.display(description="connected to")
    def connected_to(self, row: Connection) -> str:
        """A provider, or an MCP server of the user's own."""
        return str(row.provider or row.server)

    @admin.display(description="status")
    def state(self, row: Connection) -> SafeString:
        """Whether it can be used."""
        return badge(row.status)


@admin.register(BrokerProvider)
class BrokerProviderAdmin(ReadOnlyAdmin):
    """Services whose tokens are vended, without our secrets there."""

    list_display = ("slug", "display_name", "protocol", "preset", "in_use", "created_at")
    list_filter = ("protocol", "enabled")
    search_fields = ("id", "slug", "display_name")
    ordering = ("slug",)
    shown = (
        "id", "number", "slug", "display_name", "protocol", "preset", "config_data", "has_secret",
        "enabled", "version", "created_at", "updated_at",
    )  # fmt: skip

    @admin.display(description="status")
    def in_use(self, row: BrokerProvider) -> SafeString:
        """Whether it is offered."""
        return enabled(row.enabled)

    @admin.display(description="has a secret", boolean=True)
    def has_secret(self, row: BrokerProvider) -> bool:
        """That there is one is all that is shown of it."""
        return row.secret_sealed is not None
