"""Issued tokens and standing consent in the console. The rows hold no token, and neither do we."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from authplane.core.console_cells import life, linked, newest_filter
from authplane.core.readonly import ReadOnlyAdmin
from oauth.models import AccessToken, ConsentGrant, TokenFamily

GrantFilter = newest_filter("kind", tuple(AccessToken.Kind.values), title="grant")


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    """The ledger. Client and user are plain ids here: the rows outlive both."""

    list_display = ("created", "kind", "ended", "client", "on_behalf_of", "resource", "id")
    list_filter = (GrantFilter,)
    list_select_related = ("application", "user")
    search_fields = ("id", "user", "application", "family_id", "parent")
    search_help_text = (
        "A jti or its first digits; or the id of a user, a client's row, a family, a parent."
    )
    ordering = ("-id",)
    shown = (
        "id", "kind", "client", "on_behalf_of", "subject", "user_id", "application_id", "scope",
        "resource", "actors", "parent", "family_id", "dpop_jkt", "created", "expires",
        "revoked_at", "revoked_reason",
    )  # fmt: skip

    @admin.display(description="client")
    def client(self, row: AccessToken) -> SafeString | str:
        """The client, while there is one."""
        return linked(row.application) if row.application else "gone"

    @admin.display(description="for")
    def on_behalf_of(self, row: AccessToken) -> SafeString | str:
        """The user, while there is one; a machine acts for itself."""
        if row.user:
            return linked(row.user)
        return "a user who is gone" if row.user_id else "itself"

    @admin.display(description="revoked")
    def ended(self, row: AccessToken) -> SafeString:
        """By its own dates; its lineage says what else ended it."""
        return life(row.revoked_at, row.expires, reason=row.revoked_reason)


@admin.register(TokenFamily)
class TokenFamilyAdmin(ReadOnlyAdmin):
    """Authorizations and how long they last."""

    list_display = ("id", "client", "user", "resource", "created_at", "expires_at", "ended")
    list_select_related = ("client", "user")
    search_fields = ("id", "user", "client")
    search_help_text = "The id of a family, a user or a client's row, or its first digits."
    ordering = ("-id",)
    shown = (
        "id", "client", "user", "scope", "resource", "dpop_jkt", "auth_time", "created_at",
        "expires_at", "revoked_at", "revoked_reason",
    )  # fmt: skip

    @admin.display(description="revoked")
    def ended(self, row: TokenFamily) -> SafeString:
        """By its own dates."""
        return life(row.revoked_at, row.expires_at, reason=row.revoked_reason)


@admin.register(ConsentGrant)
class ConsentGrantAdmin(ReadOnlyAdmin):
    """What users allowed clients."""

    list_display = ("id", "user", "client", "resource", "scopes", "updated_at", "ended")
    list_select_related = ("user", "client", "resource")
    search_fields = ("id", "user", "client")
    search_help_text = "The id of a consent, a user or a client's row, or its first digits."
    ordering = ("-id",)
    shown = (
        "id", "user", "client", "resource", "scopes", "created_at", "updated_at", "revoked_at",
    )  # fmt: skip

    @admin.display(description="withdrawn")
    def ended(self, row: ConsentGrant) -> SafeString:
        """Whether the user took it back."""
        return life(row.revoked_at, None)
