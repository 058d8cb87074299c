"""`manage.py connection`: users' accounts at upstream services."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, ClassVar, Final

from django.core.management.base import CommandError, CommandParser

from authplane.core.crypto import CryptoError
from authplane.core.ids import id_or_none
from authplane.core.management.actor import command_actor
from authplane.core.management.output import ReportingCommand
from broker.connections import provisioning
from broker.connections.errors import BadConnection, ConnectionConflict, NoSuchConnection
from broker.connections.view import shown_connection
from broker.models import Connection

MAX_LISTED: Final = 500
MAX_FILE: Final = 64 * 1024
STDIN: Final = "-"


class Command(ReportingCommand):
    """Connections are made, shown and ended by the checks of the operator API."""

    help = "Make, show and end connections of users to upstream services."
    actions: ClassVar[dict[str, str]] = {
        "create": "connect a user to a service account, or with a key",
        "show": "show one",
        "list": "show all, ended ones too",
        "revoke": "end one, and tell its service",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        """One subcommand for each thing to do."""
        subcommands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, text in self.actions.items():
            action = subcommands.add_parser(name, help=text)
            super().add_arguments(action)
            if name in {"show", "revoke"}:
                action.add_argument("connection", help="its id")
            else:
                is_new = name == "create"
                action.add_argument("--user", required=is_new, help="whose: e-mail address or id")
                action.add_argument("--provider", required=is_new, help="slug of the provider")
            if name == "create":
                _add_members(action)

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran.

        Raises: CommandError with everything that is wrong.
        """
        try:
            getattr(self, action)(options)
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
            body["api_key"] = _read(options["api_key_file"])
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
        if options["json"]:
            self.stdout.write(json.dumps({"connections": found, "total": rows.count()}))
            return
        for entry in found:
            self.report(entry, title="connection", as_json=False)
        if not found:
            self.stdout.write("no connections found")

    def revoke(self, options: dict[str, Any]) -> None:
        """A connection is ended."""
        provisioning.end_connection(_row(options).pk, actor=command_actor())
        self._show(_row(options), "revoked", options)

    def _show(self, row: Connection, done: str, options: dict[str, Any]) -> None:
        title = f"connection {done}".rstrip()
        self.report(shown_connection(row), title=title, as_json=options["json"])


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


def _read(path: str) -> str:
    """A key is never taken from the command line, which everybody on the machine can read.

    Raises: CommandError.
    """
    try:
        text = sys.stdin.read(MAX_FILE) if path == STDIN else Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {type(error).__name__}") from error
    return text.strip()
