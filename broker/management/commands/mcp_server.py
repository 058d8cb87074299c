"""`manage.py mcp_server`: remote MCP servers of users."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.core.ids import id_or_none
from authplane.core.management.actor import command_actor
from authplane.core.management.subcommands import MAX_LISTED, ActionsCommand
from broker.models import UpstreamServer
from broker.servers import services
from broker.servers.errors import (
    BadServer,
    NoSuchServer,
    ServerBusy,
    ServerConflict,
    TooManyServers,
)
from broker.servers.seeds import named_user
from broker.servers.selectors import servers_of, with_chain
from broker.servers.view import shown_server


class Command(ActionsCommand):
    """Servers are added, shown and removed by the checks of the site itself."""

    help = "Add, show and remove remote MCP servers of users."
    noun = "MCP server"
    nouns = "MCP servers"
    listed = "servers"
    actions: ClassVar[dict[str, str]] = {
        "add": "add one for a user",
        "show": "show one",
        "list": "show all, or those of a user",
        "remove": "remove one, and end what is connected there",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action in {"show", "remove"}:
            parser.add_argument("server", help="its UUID")
        if action in {"add", "list"}:
            parser.add_argument(
                "--user", required=action == "add", help="whose, by e-mail address or id"
            )
        if action == "add":
            parser.add_argument("url", help="where it is")
            parser.add_argument("--name", help="its name for people; else its host")
            parser.add_argument("--profile", help="a profile of the user's; else the default")

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran.

        Raises: CommandError with everything that is wrong.
        """
        try:
            super().handle(action=action, **options)
        except NoSuchServer:
            raise CommandError("there is no such server or profile") from None
        except (BadServer, ServerConflict) as error:
            raise CommandError(str(error)) from None
        except TooManyServers:
            raise CommandError(f"the user has {services.MAX_SERVERS} servers already") from None
        except ServerBusy:
            raise CommandError("the server is being connected now; try again") from None

    def add(self, options: dict[str, Any]) -> None:
        """A user has a server more."""
        body = {member: options[member] for member in ("url", "name", "profile") if options[member]}
        row = services.add_server(named_user(options["user"]), body, actor=command_actor())
        self._show(with_chain().get(pk=row.pk), "added", options)

    def show(self, options: dict[str, Any]) -> None:
        """One server."""
        self._show(_row(options["server"]), "", options)

    def list(self, options: dict[str, Any]) -> None:
        """All servers, or a user's, the newest first."""
        rows = with_chain().order_by("-id")
        if options["user"]:
            rows = servers_of(named_user(options["user"]))
        found = [shown_server(row) for row in rows[:MAX_LISTED]]
        self.tell_all(found, options, total=rows.count())

    def remove(self, options: dict[str, Any]) -> None:
        """A server is gone."""
        row = _row(options["server"])
        services.remove_server(row, actor=command_actor())
        told = {"uuid": str(row.pk), "url": row.url}
        self.tell(told, "removed", options)

    def _show(self, row: UpstreamServer, done: str, options: dict[str, Any]) -> None:
        self.tell(shown_server(row), done, options)


def _row(text: str) -> UpstreamServer:
    """Raises: NoSuchServer."""
    key = id_or_none(text)
    row = with_chain().filter(pk=key).first() if key else None
    if row is None:
        raise NoSuchServer
    return row
