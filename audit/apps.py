"""The record of what happened."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """App of the audit record: the bottom of the import order, above the kernel only."""

    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Audit"

    def ready(self) -> None:
        """Requests are known to the record from their beginning to their end."""
        from audit import context, record  # noqa: PLC0415 - models exist only now

        record.connect()
        context.connect()
