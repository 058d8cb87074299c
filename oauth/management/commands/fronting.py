"""`manage.py fronting`: which resource may stand in front of which."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.subcommands import MAX_LISTED, ActionsCommand
from oauth.models import FrontingLink
from oauth.resources.errors import ResourceError
from oauth.resources.fronting import services
from oauth.resources.fronting.view import link_view


class Command(ActionsCommand):
    """Links are made, changed, shown and removed by the same checks as over the operator API."""

    help = "Make, change, show and remove fronting links between resources."

    noun = "fronting link"
    nouns = "fronting links"
    actions: ClassVar[dict[str, str]] = {
        "create": "make a link",
        "update": "give a link another scope map",
        "get": "show one link",
        "list": "show all links, or those of a source or a target",
        "delete": "remove a link",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        parser.add_argument("--source", required=action != "list", help="slug of the front")
        parser.add_argument("--target", required=action != "list", help="slug behind it")
        if action in {"create", "update"}:
            _add_scope_map(parser)

    def handle(self, *, action: str, **options: Any) -> None:
        """The link is printed, or all of them.

        Raises: CommandError with everything that is wrong.
        """
        try:
            super().handle(action=action, **options)
        except ResourceError as error:
            raise CommandError(str(error)) from error

    def create(self, options: dict[str, Any]) -> None:
        """A link is made."""
        body = {name: options[name] for name in ("source", "target")}
        body["scope_map"] = _scope_map(options)
        row = services.create_link(body, actor=command_actor(), dry_run=options["dry_run"])
        self._print(row, "created", options)

    def update(self, options: dict[str, Any]) -> None:
        """A link has another scope map."""
        body = {"scope_map": _scope_map(options)}
        row = services.patch_link(
            options["source"],
            options["target"],
            body,
            actor=command_actor(),
            dry_run=options["dry_run"],
        )
        self._print(row, "updated", options)

    def get(self, options: dict[str, Any]) -> None:
        """One link."""
        self._print(services.find_row(options["source"], options["target"]), "", options)

    def list(self, options: dict[str, Any]) -> None:
        """All links, or those of a source or a target."""
        ends = {
            f"{name}__slug": options[name] for name in ("source", "target") if options.get(name)
        }
        rows = FrontingLink.objects.select_related("source", "target").filter(**ends)
        links = map(link_view, rows.order_by("pk")[:MAX_LISTED])
        self.tell_all(links, options, total=rows.count())

    def delete(self, options: dict[str, Any]) -> None:
        """A link is removed."""
        ends = {name: options[name] for name in ("source", "target")}
        services.delete_link(**ends, actor=command_actor())
        self.tell(ends, "deleted", options)

    def _print(self, row: FrontingLink, done: str, options: dict[str, Any]) -> None:
        if options.get("dry_run"):
            done = "would be " + done
        self.tell(link_view(row), done, options)


def _add_scope_map(parser: CommandParser) -> None:
    """Two ways to say the map; no scope name holds a space, so that --map can say every one."""
    parser.add_argument("--dry-run", action="store_true", help="check everything, store nothing")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--map",
        action="append",
        nargs="+",
        metavar=("SOURCE_SCOPE", "TARGET_SCOPE"),
        help="a scope of the source and the scopes of the target it leads to; may be repeated",
    )
    way.add_argument(
        "--scope-map",
        metavar="JSON",
        help='the whole map, as {"source": ["target"]} or, for names without colon, as a:b,a:c',
    )


def _scope_map(options: dict[str, Any]) -> dict[str, Any]:
    """The map that was asked for.

    Raises: CommandError when it cannot be read.
    """
    if options.get("scope_map"):
        return _read_text(options["scope_map"])
    read: dict[str, list[str]] = {}
    for source, *targets in options["map"]:
        read.setdefault(source, []).extend(targets)
    return read


def _read_text(text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        try:
            document: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise CommandError("--scope-map is not valid JSON") from error
        return document
    read: dict[str, list[str]] = {}
    for pair in text.split(","):
        source, mark, target = pair.strip().partition(":")
        if not mark or ":" in target:
            raise CommandError(
                "--scope-map must be pairs like a:b,a:c; say names with a colon by --map or as JSON"
            )
        read.setdefault(source, []).append(target)
    return read
