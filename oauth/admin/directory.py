"""Clients, resources, their links, and keys in the console."""

from django.contrib import admin
from django.utils.safestring import SafeString

from authplane.core.console_cells import badge
from authplane.core.readonly import ReadOnlyAdmin
from oauth.models import Client, FrontingLink, Resource, SigningKey


@admin.register(Client)
class ClientAdmin(ReadOnlyAdmin):
    """Clients, without the digests of their secrets."""

    list_display = ("display_name", "client_id", "state", "registration_source", "created")
    list_filter = ("status", "registration_source", "is_agent")
    search_fields = ("id", "=client_id", "name")
    search_help_text = (
        "A part of the name, a client_id in full, or the first digits of its row's id."
    )
    ordering = ("-id",)
    shown = (
        "id", "client_id", "name", "status", "registration_source", "redirect_uris", "grant_types",
        "response_types", "token_endpoint_auth_method", "scope", "application_type", "is_agent",
        "agent_description", "software_id", "client_jwks_uri", "request_object_signing_alg",
        "require_pushed_authorization_requests", "require_signed_request_object",
        "tls_client_auth", "tls_client_certificate_bound_access_tokens",
        "previous_secret_expires_at", "version", "created", "updated",
    )  # fmt: skip

    @admin.display(description="name")
    def display_name(self, row: Client) -> str:
        """Its name, or its id where it gave none."""
        return str(row)

    @admin.display(description="status")
    def state(self, row: Client) -> SafeString:
        """Whether it may be used."""
        return badge(row.status)


@admin.register(Resource)
class ResourceAdmin(ReadOnlyAdmin):
    """Resources with their scopes and policies."""

    list_display = ("slug", "display_name", "uri", "backend_kind")
    list_filter = ("backend_kind",)
    search_fields = ("id", "slug", "display_name", "uri")
    ordering = ("slug",)
    shown = (
        "id", "slug", "uri", "display_name", "backend_kind", "scopes", "policy", "version",
        "created_at", "updated_at",
    )  # fmt: skip


@admin.register(FrontingLink)
class FrontingLinkAdmin(ReadOnlyAdmin):
    """Which resource may stand in front of which, scope by scope."""

    list_display = ("source", "target", "created_at", "created_by")
    list_select_related = ("source", "target")
    search_fields = ("=source__slug", "=target__slug")
    ordering = ("-id",)
    shown = ("id", "source", "target", "scope_map", "version", "created_at", "created_by")


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    """Signing keys, public parts alone."""

    list_display = ("kid", "algorithm", "activates_at", "expires_at", "withdrawn_at")
    ordering = ("-activates_at",)
    shown = (
        "kid", "algorithm", "public_jwk", "created_at", "activates_at", "expires_at",
        "withdrawn_at",
    )  # fmt: skip
