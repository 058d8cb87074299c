"""Which models the operator console shows: those of our own apps."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig

PUBLIC = "authplane.urls.public"
OURS = frozenset({"authplane.core", "authplane.accounts", "audit", "oauth", "broker", "admin_api"})


class ConsoleConfig(SimpleAdminConfig):
    """Django's admin without its search through every installed app.

    Otherwise django-oauth-toolkit would show token rows through admin classes that were written for
    its own models and know neither our columns nor what must stay hidden.
    """

    default_site = "authplane.accounts.console.ConsoleSite"

    def ready(self) -> None:
        """Our apps' ``admin`` modules are loaded, except where nobody can reach the console.

        They are a tenth of what each process of the public listener would have to load.
        """
        super().ready()
        if settings.ROOT_URLCONF == PUBLIC:
            return
        for app in apps.get_app_configs():
            if app.name in OURS and find_spec(f"{app.name}.admin"):
                import_module(f"{app.name}.admin")
