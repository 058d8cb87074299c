"""The kernel's app: it has tables of its own and registers the checks of the configuration."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Shared kernel."""

    name = "authplane.core"
    label = "core"
    verbose_name = "Kernel"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The checks are registered."""
        from authplane.core import checks  # noqa: F401, PLC0415 - needs the loaded settings
