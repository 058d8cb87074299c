"""`manage.py prepare`: what a release needs before its first request."""

from __future__ import annotations

from typing import Any

from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """The schema is current, a signing key can be used, the configured resources exist.

    What is sealed in the database can be opened.

    Safe to repeat, and on several machines.
    """

    help = "Migrate the database, make the first signing key, create the configured resources."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Nothing is left to prepare afterwards."""
        call_command("migrate", interactive=False, verbosity=0)
        call_command("rotate_keys", if_missing=True, verbosity=0)
        call_command("load_seeds", verbosity=0)
        # What is stored and cannot be opened is found now, not by whoever needs it first.
        self.check(tags=[Tags.database], databases=["default"], display_num_errors=False)
