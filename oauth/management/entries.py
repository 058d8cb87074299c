"""What commands about trusted parties have in common: clear refusals, and ids that are said."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from authplane.core.ids import id_or_none
from authplane.core.management.subcommands import ActionsCommand
from oauth.federation.errors import EntryError


class EntryCommand(ActionsCommand):
    """A command by the same checks as over the operator API."""

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran.

        Raises: CommandError with everything that is wrong.
        """
        try:
            super().handle(action=action, **options)
        except EntryError as error:
            raise CommandError(str(error)) from error


def key_of(text: str, noun: str) -> uuid.UUID:
    """The id of an entry.

    Raises: CommandError.
    """
    found = id_or_none(text)
    if found is None:
        raise CommandError(f"--id is no id of a {noun}")
    return found


def given(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The members that were said."""
    return {name: options[name] for name in names if options.get(name) is not None}
