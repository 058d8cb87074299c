"""`manage.py access_group`: groups of API keys, and which proxies they may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.subcommands import ActionsCommand
from broker.keys import groups
from broker.keys.errors import BadEntry, EntryConflict, NoSuchEntry
from broker.keys.view import shown_group
from broker.models import AccessGroup


class Command(ActionsCommand):
    """Groups are made, changed, shown and removed by the checks of the operator API."""

    help = "Make, change, show and remove groups of API keys."
    noun = "access group"
    nouns = "access groups"
    actions: ClassVar[dict[str, str]] = {
        "create": "make one",
        "update": "change one; what is not said stays",
        "show": "show one",
        "list": "show all",
        "delete": "remove one that has no keys",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action != "list":
            parser.add_argument("name", help="its name")
        if action in {"create", "update"}:
            _add_members(parser, is_new=action == "create")

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran. Raises: CommandError with everything that is wrong."""
        try:
            super().handle(action=action, **options)
        except NoSuchEntry:
            raise CommandError("access group not found") from None
        except (BadEntry, EntryConflict) as error:
            raise CommandError(str(error)) from error

    def create(self, options: dict[str, Any]) -> None:
        """A group is made."""
        body = {"name": options["name"], **_members(options)}
        self._show(groups.create_group(body, actor=command_actor()), "created", options)

    def update(self, options: dict[str, Any]) -> None:
        """A group is changed."""
        body = _members(options)
        if not body:
            raise CommandError("nothing to change was said")
        self._show(
            groups.patch_group(_row(options).pk, body, actor=command_actor()), "updated", options
        )

    def show(self, options: dict[str, Any]) -> None:
        """One group."""
        self._show(_row(options), "", options)

    def list(self, options: dict[str, Any]) -> None:
        """All groups."""
        found = [shown_group(row) for row in AccessGroup.objects.order_by("name")]
        self.tell_all(found, options)

    def delete(self, options: dict[str, Any]) -> None:
        """A group is removed."""
        row = _row(options)
        groups.delete_group(row.pk, actor=command_actor())
        told = {"id": str(row.pk), "name": row.name}
        self.tell(told, "deleted", options)

    def _show(self, row: AccessGroup, done: str, options: dict[str, Any]) -> None:
        self.tell(shown_group(row), done, options)


def _add_members(parser: CommandParser, *, is_new: bool) -> None:
    if not is_new:
        parser.add_argument("--new-name", help="another name")
    switch = parser.add_mutually_exclusive_group()
    switch.add_argument("--enable", action="store_true", help="its keys count")
    switch.add_argument("--disable", action="store_true", help="they do not")
    parser.add_argument(
        "--proxy",
        action="append",
        metavar="SLUG[=PER_MINUTE]",
        help="a proxy its keys may use, and how often a minute; may be repeated; replaces all",
    )
    if not is_new:
        parser.add_argument("--no-proxies", action="store_true", help="its keys may use none")


def _members(options: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if options.get("new_name"):
        body["name"] = options["new_name"]
    if options["enable"] or options["disable"]:
        body["enabled"] = bool(options["enable"])
    if options["proxy"] and options.get("no_proxies"):
        raise CommandError("--proxy and --no-proxies exclude each other")
    if options["proxy"] or options.get("no_proxies"):
        body["proxy_access"] = [_access(text) for text in options["proxy"] or []]
    return body


def _access(text: str) -> dict[str, Any]:
    slug, separator, limit = text.partition("=")
    if separator and not (limit.isascii() and limit.isdigit()):
        raise CommandError("--proxy takes SLUG or SLUG=REQUESTS_PER_MINUTE")
    return {"proxy": slug, "requests_per_minute": int(limit) if separator else None}


def _row(options: Mapping[str, Any]) -> AccessGroup:
    row = AccessGroup.objects.filter(name=options["name"]).first()
    if row is None:
        raise NoSuchEntry
    return row
