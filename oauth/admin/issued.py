"""Issued tokens and standing consent in the console. The rows hold no token, and neither do we."""

from django.contrib import admin

from authplane.core.readonly import ReadOnlyAdmin
from oauth.models import AccessToken, ConsentGrant, TokenFamily


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    """The ledger. Client and user are plain ids here: the rows outlive both."""

    list_display = ("id", "kind", "subject", "resource", "created", "expires", "revoked_at")
    search_fields = ("=id",)
    search_help_text = "The jti of a token."
    ordering = ("-id",)
    shown = (
        "id", "kind", "subject", "user_id", "application_id", "scope", "resource", "actors",
        "parent", "family_id", "dpop_jkt", "created", "expires", "revoked_at", "revoked_reason",
    )  # fmt: skip


@admin.register(TokenFamily)
class TokenFamilyAdmin(ReadOnlyAdmin):
    """Authorizations and how long they last."""

    list_display = ("id", "client", "user", "resource", "created_at", "expires_at", "revoked_at")
    list_select_related = ("client", "user")
    search_fields = ("=id",)
    ordering = ("-id",)
    shown = (
        "id", "client", "user", "scope", "resource", "dpop_jkt", "auth_time", "created_at",
        "expires_at", "revoked_at", "revoked_reason",
    )  # fmt: skip


@admin.register(ConsentGrant)
class ConsentGrantAdmin(ReadOnlyAdmin):
    """What users allowed clients."""

    list_display = ("user", "client", "resource", "scopes", "updated_at", "revoked_at")
    list_select_related = ("user", "client", "resource")
    search_fields = ("=id",)
    ordering = ("-id",)
    shown = (
        "id", "user", "client", "resource", "scopes", "created_at", "updated_at", "revoked_at",
    )  # fmt: skip
