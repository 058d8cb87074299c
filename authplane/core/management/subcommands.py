"""Commands of several actions: `manage.py NOUN ACTION`, and how they show what they are about."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from authplane.core.management.output import ReportingCommand

MAX_LISTED = 500


class ActionsCommand(ReportingCommand):
    """A command with a method for each of its ``actions`` (hyphens as underscores).

    The method gets the options. `noun` is what the output calls an entry and `nouns` several;
    lists have the key `listed`, which is made of `nouns` unless it is said.
    """

    noun: ClassVar[str] = ""
    nouns: ClassVar[str] = ""
    listed: ClassVar[str] = ""
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
        """The subcommand ran."""
        method: Callable[[dict[str, Any]], None] = getattr(self, action.replace("-", "_"))
        method(options)

    def tell(self, entry: Mapping[str, Any], done: str, options: Mapping[str, Any]) -> None:
        """One entry is printed, with what was done to it."""
        self.report(entry, title=f"{self.noun} {done}".rstrip(), as_json=options["json"])

    def tell_all(
        self,
        entries: Iterable[Mapping[str, Any]],
        options: Mapping[str, Any],
        *,
        total: int | None = None,
        noun: str = "",
        nouns: str = "",
    ) -> None:
        """Every entry is printed. ``total`` is how many there are, if these are not all."""
        found, words = [*entries], nouns or self.nouns
        if options["json"]:
            key = (not nouns and self.listed) or words.lower().replace(" ", "_")
            document = {key: found, "total": len(found) if total is None else total}
            self.stdout.write(json.dumps(document, default=str))
            return
        for entry in found:
            self.report(entry, title=noun or self.noun, as_json=False)
        if not found:
            self.stdout.write(f"no {words} found")
