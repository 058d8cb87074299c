"""`manage.py disable_user`: an account that cannot sign in, and whose tokens count no longer."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.accounts import services
from authplane.accounts.errors import LastOwner, WrongState
from authplane.accounts.selectors import find_by_email, find_user
from authplane.core.management.actor import command_actor
from authplane.core.management.output import ReportingCommand


class Command(ReportingCommand):
    """Disables, and with `--undo` enables."""

    help = "Disable a user at once, or enable a disabled one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whom."""
        super().add_arguments(parser)
        parser.add_argument("user", help="Id or e-mail.")
        parser.add_argument("--undo", action="store_true", help="Enable a disabled user.")

    def handle(self, *, user: str, undo: bool, json: bool, **_: Any) -> None:
        """The account has the wanted state."""
        found = find_by_email(user) if "@" in user else find_user(user)
        if found is None:
            raise CommandError("user not found")
        change = services.enable_user if undo else services.disable_user
        try:
            change(user_id=found.pk, actor=command_actor())
        except (LastOwner, WrongState) as error:
            raise CommandError(str(error)) from None
        status = "active" if undo else "disabled"
        title = "user enabled" if undo else "user disabled"
        self.report({"id": str(found.pk), "status": status}, title=title, as_json=json)
