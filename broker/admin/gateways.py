"""MCP servers of users, OAuth proxies, and keys for them, in the console."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from authplane.core.console_cells import enabled, life, linked
from authplane.core.readonly import ReadOnlyAdmin
from broker.models import (
    AccessGroup,
    ApiKey,
    GatewaySession,
    OAuthProxy,
    ProxyConsent,
    UpstreamServer,
)


@admin.register(UpstreamServer)
class UpstreamServerAdmin(ReadOnlyAdmin):
    """Remote MCP servers that users added."""

    list_display = ("id", "name", "url", "owner", "requires_auth", "created_at")
    list_select_related = ("profile__project__user",)
    search_fields = ("id",)
    search_help_text = "The id of a server or its first digits."
    ordering = ("-id",)
    shown = ("id", "name", "url", "owner", "requires_auth", "created_at", "updated_at")

    @admin.display(description="user")
    def owner(self, row: UpstreamServer) -> SafeString | str:
        """Whose it is."""
        return linked(row.profile.project.user)


@admin.register(OAuthProxy)
class OAuthProxyAdmin(ReadOnlyAdmin):
    """Proxies in front of services that cannot speak OAuth as MCP wants it."""

    list_display = ("slug", "name", "mode", "provider", "target_url", "in_use")
    list_filter = ("mode", "enabled")
    list_select_related = ("provider",)
    search_fields = ("slug", "name")
    ordering = ("slug",)
    shown = (
        "id", "slug", "name", "mode", "provider", "target_url", "allowed_redirects", "scopes",
        "require_consent", "enabled", "config", "version", "created_at", "updated_at",
    )  # fmt: skip

    @admin.display(description="status")
    def in_use(self, row: OAuthProxy) -> SafeString:
        """Whether it answers."""
        return enabled(row.enabled)


@admin.register(GatewaySession)
class GatewaySessionAdmin(ReadOnlyAdmin):
    """Who uses a proxy with which client, and until when."""

    list_display = ("id", "proxy", "user", "client", "created_at", "expires_at", "ended")
    list_select_related = ("proxy", "user", "client")
    search_fields = ("id", "user", "family_id")
    search_help_text = "The id of a session, a user or a family, or its first digits."
    ordering = ("-id",)
    shown = (
        "id", "proxy", "user", "client", "connection", "family_id", "created_at", "expires_at",
        "revoked_at",
    )  # fmt: skip

    @admin.display(description="revoked")
    def ended(self, row: GatewaySession) -> SafeString:
        """By its own dates."""
        return life(row.revoked_at, row.expires_at)


@admin.register(ProxyConsent)
class ProxyConsentAdmin(ReadOnlyAdmin):
    """What users allowed clients of proxies."""

    list_display = ("id", "user", "client", "proxy", "scopes", "updated_at", "ended")
    list_select_related = ("user", "client", "proxy")
    search_fields = ("id", "user", "client")
    search_help_text = "The id of a consent, a user or a client's row, or its first digits."
    ordering = ("-id",)
    shown = (
        "id", "user", "client", "proxy", "scopes", "created_at", "updated_at", "revoked_at",
    )  # fmt: skip

    @admin.display(description="withdrawn")
    def ended(self, row: ProxyConsent) -> SafeString:
        """Whether the user took it back."""
        return life(row.revoked_at, None)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys of the data plane, by their beginning; of the keys themselves there are only digests."""

    list_display = ("name", "prefix", "user", "group", "last_used_at", "expires_at", "ended")
    list_select_related = ("user", "group")
    search_fields = ("id", "user", "name", "=prefix")
    search_help_text = "A part of the name, the printed beginning, or the id of a key or a user."
    ordering = ("-id",)
    shown = (
        "id", "name", "description", "prefix", "user", "group", "created_at", "created_by",
        "expires_at", "revoked_at", "last_used_at",
    )  # fmt: skip

    @admin.display(description="revoked")
    def ended(self, row: ApiKey) -> SafeString:
        """By its own dates."""
        return life(row.revoked_at, row.expires_at)


@admin.register(AccessGroup)
class AccessGroupAdmin(ReadOnlyAdmin):
    """Which proxies the keys of a group open."""

    list_display = ("name", "in_use", "created_at")
    list_filter = ("enabled",)
    search_fields = ("id", "name")
    ordering = ("name",)
    shown = ("id", "name", "enabled", "created_at")

    @admin.display(description="status")
    def in_use(self, row: AccessGroup) -> SafeString:
        """Whether its keys work."""
        return enabled(row.enabled)
