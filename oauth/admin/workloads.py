"""Who vouches for workloads, and to whom users are asserted, in the console."""

from django.contrib import admin

from authplane.core.readonly import ReadOnlyAdmin
from oauth.models import AssertionAudience, WorkloadIssuer


@admin.register(WorkloadIssuer)
class WorkloadIssuerAdmin(ReadOnlyAdmin):
    """Issuers of workload tokens and the clients that their rules make of them."""

    list_display = ("name", "preset", "issuer", "enabled", "created_at")
    list_filter = ("preset", "enabled")
    search_fields = ("id", "name", "issuer")
    ordering = ("name",)
    shown = (
        "id", "name", "preset", "issuer", "jwks_uri", "jwks", "audience", "rules", "enabled",
        "version", "created_at", "updated_at",
    )  # fmt: skip


@admin.register(AssertionAudience)
class AssertionAudienceAdmin(ReadOnlyAdmin):
    """Servers to which users are asserted, and what for."""

    list_display = ("name", "audience", "enabled", "created_at")
    list_filter = ("enabled",)
    search_fields = ("id", "name", "audience")
    ordering = ("name",)
    shown = (
        "id", "name", "audience", "client_ids", "remote_client_ids", "resources", "scopes",
        "enabled", "version", "created_at", "updated_at",
    )  # fmt: skip
