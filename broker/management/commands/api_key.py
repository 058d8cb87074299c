"""`manage.py api_key`: keys for proxies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.accounts.selectors import find_by_email, find_user
from authplane.core.ids import id_or_none
from authplane.core.management.actor import command_actor
from authplane.core.management.subcommands import MAX_LISTED, ActionsCommand
from broker.keys import services
from broker.keys.errors import BadEntry, EntryConflict, NoSuchEntry
from broker.keys.view import shown_key
from broker.models import AccessGroup, ApiKey


class Command(ActionsCommand):
    """Keys are made, shown, revoked and removed by the checks of the operator API."""

    help = "Make, show, revoke and remove API keys for proxies."
    noun = "API key"
    nouns = "API keys"
    actions: ClassVar[dict[str, str]] = {
        "create": "make one; it is shown once",
        "list": "show all, the newest first",
        "show": "show one",
        "expire": "set when one ends",
        "revoke": "let one open nothing any more",
        "delete": "remove one",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action == "create":
            _add_members(parser)
        elif action != "list":
            parser.add_argument("id", help="its id")
        if action == "expire":
            days = parser.add_mutually_exclusive_group(required=True)
            days.add_argument("--in-days", type=int, help="so many days from now")
            days.add_argument("--never", action="store_true", help="until it is revoked")

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran. Raises: CommandError with everything that is wrong."""
        try:
            super().handle(action=action, **options)
        except NoSuchEntry:
            raise CommandError("API key not found") from None
        except (BadEntry, EntryConflict) as error:
            raise CommandError(str(error)) from error

    def create(self, options: dict[str, Any]) -> None:
        """A key is made, and shown this once."""
        user = find_by_email(options["user"]) or find_user(options["user"])
        group = AccessGroup.objects.filter(name=options["group"]).first()
        if user is None or group is None:
            raise CommandError("user not found" if user is None else "access group not found")
        body = {
            "name": options["name"],
            "description": options["description"],
            "user_id": str(user.pk),
            "user_group_id": str(group.pk),
            "expires_in_days": options["expires_in_days"],
        }
        row, key = services.create_key(body, actor=command_actor())
        told = {"api_key": key, **shown_key(row)}
        self.report(told, title="API key created; it is not shown again", as_json=options["json"])

    def list(self, options: dict[str, Any]) -> None:
        """All keys."""
        rows = ApiKey.objects.select_related("group").order_by("-pk")
        found = [shown_key(row) for row in rows[:MAX_LISTED]]
        self.tell_all(found, options)

    def show(self, options: dict[str, Any]) -> None:
        """One key."""
        self._show(services.find_key(_id(options)), "", options)

    def expire(self, options: dict[str, Any]) -> None:
        """A key ends at another time."""
        row = services.patch_key(
            _id(options), {"expires_in_days": options["in_days"]}, actor=command_actor()
        )
        self._show(row, "updated", options)

    def revoke(self, options: dict[str, Any]) -> None:
        """A key opens nothing any more."""
        self._show(services.revoke_key(_id(options), actor=command_actor()), "revoked", options)

    def delete(self, options: dict[str, Any]) -> None:
        """A key is removed."""
        key = _id(options)
        services.delete_key(key, actor=command_actor())
        self.tell({"id": str(key)}, "deleted", options)

    def _show(self, row: ApiKey, done: str, options: dict[str, Any]) -> None:
        self.tell(shown_key(row), done, options)


def _add_members(parser: CommandParser) -> None:
    parser.add_argument("name", help="what it is for")
    parser.add_argument("--user", required=True, help="whom it stands for: e-mail address or id")
    parser.add_argument("--group", required=True, help="the name of its access group")
    parser.add_argument("--description", default="", help="more about it")
    parser.add_argument("--expires-in-days", type=int, help="without: until it is revoked")


def _id(options: Mapping[str, Any]) -> uuid.UUID:
    found = id_or_none(options["id"])
    if found is None:
        raise NoSuchEntry
    return found
