"""What commands about trusted parties have in common: subcommands, and clear refusals."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.output import ReportingCommand
from oauth.federation.errors import EntryError

MAX_LISTED = 500


class EntryCommand(ReportingCommand):
    """A command with subcommands, by the same checks as over the operator API.

    `noun` is what the output calls an entry, `nouns` the key of its lists. Each name in `actions`
    has a method of that name (hyphens as underscores) that gets the options.
    """

    noun: ClassVar[str] = ""
    nouns: ClassVar[str] = ""
    actions: ClassVar[Mapping[str, str]] = {}

    def add_arguments(self, parser: CommandParser) -> None:
        """One subcommand for each thing to do."""
        subcommands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, text in self.actions.items():
            action = subcommands.add_parser(name, help=text)
            super().add_arguments(action)
            self.add_options(name, action)

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran.

        Raises: CommandError with everything that is wrong.
        """
        method: Callable[[dict[str, Any]], None] = getattr(self, action.replace("-", "_"))
        try:
            method(options)
        except EntryError as error:
            raise CommandError(str(error)) from error

    def show(self, entry: Mapping[str, Any], done: str, options: dict[str, Any]) -> None:
        """One entry is printed, with what was done to it."""
        self.report(entry, title=f"{self.noun} {done}".rstrip(), as_json=options["json"])

    def show_all(
        self, entries: Iterable[Mapping[str, Any]], total: int, options: dict[str, Any]
    ) -> None:
        """Every entry is printed."""
        shown = list(entries)
        if options["json"]:
            document = {self.nouns: shown, "total": total}
            self.stdout.write(json.dumps(document, default=str))
            return
        for entry in shown:
            self.report(entry, title=self.noun, as_json=False)
        if not shown:
            self.stdout.write(f"no {self.nouns.replace('_', ' ')} found")


def key_of(text: str, noun: str) -> uuid.UUID:
    """The id of an entry.

    Raises: CommandError.
    """
    try:
        return uuid.UUID(text)
    except ValueError:
        raise CommandError(f"--id is no id of a {noun}") from None


def given(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The members that were said."""
    return {name: options[name] for name in names if options.get(name) is not None}
