"""The operator API app."""

from __future__ import annotations

from django.apps import AppConfig


class AdminApiConfig(AppConfig):
    """Routes under ``/admin/`` of the operator listener."""

    name = "admin_api"
    verbose_name = "Operator API"
    default_auto_field = "django.db.models.BigAutoField"
