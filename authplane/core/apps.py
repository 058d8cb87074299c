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
        """The checks are registered, and both ends of every request are known."""
        from authplane.core import checks, lifecycle  # noqa: F401, PLC0415 - needs loaded settings

        lifecycle.connect()
