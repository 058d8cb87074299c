"""The operator API app."""

from __future__ import annotations

from django.apps import AppConfig


class AdminApiConfig(AppConfig):
    """Routes under ``/admin/`` of the operator listener."""

    name = "admin_api"
    verbose_name = "Operator API"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The last owner is kept, whoever disables or deletes users."""
        from django.db.models.signals import pre_delete  # noqa: PLC0415 - needs the loaded models

        from admin_api.administrators import staff  # noqa: PLC0415 - as above
        from authplane.accounts.models import User  # noqa: PLC0415 - as above
        from authplane.accounts.services import user_disabled  # noqa: PLC0415 - as above

        user_disabled.connect(staff.on_user_disabled, sender=User, dispatch_uid="last-owner")
        pre_delete.connect(staff.on_user_deleted, sender=User, dispatch_uid="last-owner")
