"""Who else signs people in, and whom, in the console."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from authplane.core.console_cells import enabled
from authplane.core.readonly import ReadOnlyAdmin
from broker.models import FederatedIdentity, IdentityProvider


@admin.register(IdentityProvider)
class IdentityProviderAdmin(ReadOnlyAdmin):
    """Providers that the sign-in page offers, without our secrets there."""

    list_display = ("slug", "display_name", "issuer", "in_use", "created_at")
    list_filter = ("enabled",)
    search_fields = ("id", "slug", "display_name", "issuer")
    ordering = ("slug",)
    shown = (
        "id", "slug", "display_name", "issuer", "client_id", "token_endpoint_auth_method",
        "scopes", "include_groups_scope", "connector_id", "allowed_domains", "groups_claim",
        "role_map", "enabled", "version", "created_at", "updated_at",
    )  # fmt: skip

    @admin.display(description="status")
    def in_use(self, row: IdentityProvider) -> SafeString:
        """Whether it is offered."""
        return enabled(row.enabled)


@admin.register(FederatedIdentity)
class FederatedIdentityAdmin(ReadOnlyAdmin):
    """Which account there is which account here."""

    list_display = ("id", "user", "provider", "subject", "last_seen_at")
    list_select_related = ("user", "provider")
    search_fields = ("id", "user")
    search_help_text = "The id of a link or of a user, or its first digits."
    ordering = ("-id",)
    shown = ("id", "user", "provider", "subject", "groups", "created_at", "last_seen_at")
