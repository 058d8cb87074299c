"""Whose assertions count, in the console."""

from django.contrib import admin

from authplane.core.readonly import ReadOnlyAdmin
from oauth.models import SubjectMapping, TrustedIdP, XAAPolicy


@admin.register(TrustedIdP)
class TrustedIdPAdmin(ReadOnlyAdmin):
    """Identity providers."""

    list_display = ("name", "issuer", "enabled", "created_at")
    list_filter = ("enabled",)
    search_fields = ("id", "name", "issuer")
    ordering = ("name",)
    shown = (
        "id", "name", "issuer", "jwks_uri", "audience", "enabled", "version", "created_at",
        "updated_at",
    )  # fmt: skip


@admin.register(XAAPolicy)
class XAAPolicyAdmin(ReadOnlyAdmin):
    """What their assertions may obtain."""

    list_display = ("name", "idp", "client_ids", "scopes", "resources", "enabled")
    list_filter = ("enabled", "idp")
    list_select_related = ("idp",)
    search_fields = ("id", "name")
    ordering = ("-id",)
    shown = (
        "id", "name", "idp", "client_ids", "scopes", "resources", "enabled", "version",
        "created_at", "updated_at",
    )  # fmt: skip


@admin.register(SubjectMapping)
class SubjectMappingAdmin(ReadOnlyAdmin):
    """Who their subjects are here."""

    list_display = ("idp_subject", "idp", "local_user_id", "created_at")
    list_filter = ("idp",)
    list_select_related = ("idp",)
    search_fields = ("id", "=idp_subject", "local_user")
    ordering = ("-id",)
    shown = ("id", "idp", "idp_subject", "local_user_id", "created_at")
