"""The broker app."""

from __future__ import annotations

from django.apps import AppConfig


class BrokerConfig(AppConfig):
    """Upstream providers, connections and the vending of their tokens."""

    name = "broker"
    verbose_name = "Broker"
    default_auto_field = "django.db.models.BigAutoField"
