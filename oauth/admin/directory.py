"""Clients, resources, their links, and keys in the console."""

from django.contrib import admin

from authplane.core.readonly import ReadOnlyAdmin
from oauth.models import Client, FrontingLink, Resource, SigningKey


@admin.register(Client)
class ClientAdmin(ReadOnlyAdmin):
    """Clients, without the digests of their secrets."""

    list_display = ("client_id", "name", "status", "registration_source", "created")
    list_filter = ("status", "registration_source", "is_agent")
    search_fields = ("=client_id", "name")
    ordering = ("-id",)
    shown = (
        "client_id", "name", "status", "registration_source", "redirect_uris", "grant_types",
        "response_types", "token_endpoint_auth_method", "scope", "application_type", "is_agent",
        "agent_description", "software_id", "client_jwks_uri", "request_object_signing_alg",
        "require_pushed_authorization_requests", "require_signed_request_object",
        "tls_client_auth", "tls_client_certificate_bound_access_tokens",
        "previous_secret_expires_at", "version", "created", "updated",
    )  # fmt: skip


@admin.register(Resource)
class ResourceAdmin(ReadOnlyAdmin):
    """Resources with their scopes and policies."""

    list_display = ("slug", "display_name", "uri", "backend_kind")
    list_filter = ("backend_kind",)
    search_fields = ("slug", "display_name", "uri")
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
