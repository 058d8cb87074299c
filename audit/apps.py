"""The record of what happened."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    """App of the audit record: the bottom of the import order, above the kernel only."""

    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Audit"

    def ready(self) -> None:
        """Requests are known to the record; the record is protected; its key moves with others."""
        from audit import context, gauges, protection, record  # noqa: PLC0415 - models exist only now
        from audit.sealing.keys import rewrap as rewrap_keys  # noqa: PLC0415 - as above
        from authplane.core import rewrap  # noqa: PLC0415 - needs the loaded settings

        record.connect()
        context.connect()
        gauges.connect()
        rewrap.register(self.name, rewrap_keys)
        post_migrate.connect(protection.after_migration, sender=self)
