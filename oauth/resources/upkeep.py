"""What follows a change of resource rows, whoever makes it. Nothing is decided here."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.db.models.signals import post_delete, post_migrate, post_save

from oauth.models import FrontingLink, Resource
from oauth.resources import fronting, selectors
from oauth.resources.builtin import ensure_issuer_resource


def connect(app: AppConfig) -> None:
    """Changed rows are forgotten, and an emptied database gets its built-in resource back."""
    for signal in (post_save, post_delete):
        signal.connect(_forget, sender=Resource, dispatch_uid="oauth.forget_resources")
        signal.connect(
            _forget_links, sender=FrontingLink, dispatch_uid="oauth.forget_fronting_links"
        )
    post_migrate.connect(_restore, sender=app, dispatch_uid="oauth.restore_issuer_resource")


def _forget(**_: Any) -> None:
    selectors.drop()


def _forget_links(**_: Any) -> None:
    fronting.drop()


def _restore(*, using: str, apps: Any = installed, **_: Any) -> None:
    """Afterwards the built-in resource is there. `flush` sends the signal without `apps`."""
    try:
        resources = apps.get_model("oauth", "Resource").objects
    except LookupError:
        # Migrated back to before the table existed.
        return
    ensure_issuer_resource(resources.using(using))
