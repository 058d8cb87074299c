"""`manage.py connection`: users' accounts at upstream services."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.core.management.base import CommandError, CommandParser

from authplane.core.crypto import CryptoError
from authplane.core.ids import id_or_none
from authplane.core.management.actor import command_actor
from authplane.core.management.files import text_of
from authplane.core.management.subcommands import MAX_LISTED, ActionsCommand
from broker.connections import provisioning
from broker.connections.errors import BadConnection, ConnectionConflict, NoSuchConnection
from broker.connections.view import shown_connection
from broker.models import Connection

MAX_KEY: Final = 64 * 1024


class Command(ActionsCommand):
    """Connections are made, shown and ended by the checks of the operator API."""

    help = "Make, show and end connections of users to upstream services."
    noun = "connection"
    nouns = "connections"
    actions: ClassVar[dict[str, str]] = {
        "create": "connect a user to a service account, or with a key",
        "show": "show one",
        "list": "show all, ended ones too",
        "revoke": "end one, and tell its service",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action in {"show", "revoke"}:
            parser.add_argument("connection", help="its id")
        else:
            is_new = action == "create"
            parser.add_argument("--user", required=is_new, help="whose: e-mail address or id")
            parser.add_argument("--provider", required=is_new, help="slug of the provider")
        if action == "create":
            _add_members(parser)

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran.

        Raises: CommandError with everything that is wrong.
        """
        try:
            super().handle(action=action, **options)
        except NoSuchConnection:
            raise CommandError("connection not found") from None
        except (BadConnection, ConnectionConflict, CryptoError) as error:
            raise CommandError(str(error)) from error

    def create(self, options: dict[str, Any]) -> None:
        """A user is connected."""
        names = ("user", "provider", "impersonate_sub", "api_key_ref")
        body: dict[str, Any] = {name: options[name] for name in names if options[name]}
        if options["scopes"]:
            body["scopes"] = options["scopes"]
        if options["api_key_file"]:
            body["api_key"] = text_of(options["api_key_file"], longest=MAX_KEY).strip()
        self._show(provisioning.create_connection(body, actor=command_actor()), "created", options)

    def show(self, options: dict[str, Any]) -> None:
        """One connection."""
        self._show(_row(options), "", options)

    def list(self, options: dict[str, Any]) -> None:
        """All connections, or those of a user or a provider, the newest first."""
        rows = Connection.objects.select_related("provider").order_by("-pk")
        if options["provider"]:
            rows = rows.filter(provider__slug=options["provider"])
        if options["user"]:
            user = provisioning.named_user(options["user"])
            if user is None:
                raise CommandError("user not found")
            rows = rows.filter(user=user)
        found = [shown_connection(row) for row in rows[:MAX_LISTED]]
        self.tell_all(found, options, total=rows.count())

    def revoke(self, options: dict[str, Any]) -> None:
        """A connection is ended."""
        provisioning.end_connection(_row(options).pk, actor=command_actor())
        self._show(_row(options), "revoked", options)

    def _show(self, row: Connection, done: str, options: dict[str, Any]) -> None:
        self.tell(shown_connection(row), done, options)


def _add_members(parser: CommandParser) -> None:
    parser.add_argument("--impersonate-sub", help="whom the service account acts as there")
    parser.add_argument(
        "--scope",
        dest="scopes",
        action="append",
        default=[],
        help="a scope at the service; may be repeated, all of the provider's resources when never",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--api-key-ref", metavar="VARIABLE", help="the variable that holds the key")
    way.add_argument(
        "--api-key-file", metavar="FILE", help="a file that holds it, - for standard input"
    )


def _row(options: dict[str, Any]) -> Connection:
    """Raises: NoSuchConnection."""
    key = id_or_none(options["connection"])
    row = Connection.objects.select_related("provider").filter(pk=key).first() if key else None
    if row is None:
        raise NoSuchConnection
    return row
