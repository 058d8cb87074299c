"""Users in the console, without their passwords."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from authplane.accounts.models import User
from authplane.core.console_cells import badge
from authplane.core.readonly import ReadOnlyAdmin


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People who sign in, operators among them."""

    list_display = ("email_or_id", "name", "role", "state", "provider", "created_at")
    list_filter = ("status", "is_staff")
    search_fields = ("id", "^email")
    search_help_text = "The beginning of an e-mail address, or the first digits of an id."
    ordering = ("-id",)
    shown = (
        "id", "email", "name", "role", "status", "is_staff", "provider", "provider_sub",
        "last_login", "version", "created_at", "updated_at",
    )  # fmt: skip

    @admin.display(description="e-mail address")
    def email_or_id(self, row: User) -> str:
        """An account need not have an address."""
        return str(row)

    @admin.display(description="status")
    def state(self, row: User) -> SafeString:
        """Whether the account may sign in."""
        return badge(row.status)
