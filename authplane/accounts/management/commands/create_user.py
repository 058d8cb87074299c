"""`manage.py create_user`: a person who can sign in."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.accounts import services
from authplane.accounts.errors import AccountError
from authplane.accounts.models import User
from authplane.core.hashing import new_secret
from authplane.core.management.actor import command_actor
from authplane.core.management.output import ReportingCommand

GENERATED_BYTES = 18


class Command(ReportingCommand):
    """Never takes the password as an argument: every process of the host can read those."""

    help = "Create a user who signs in with a password."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, and where the password comes from."""
        super().add_arguments(parser)
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="")
        parser.add_argument("--role", default=User.Role.USER, choices=User.Role.values)
        source = parser.add_mutually_exclusive_group()
        source.add_argument(
            "--generate", action="store_true", help="Make a password and print it once."
        )
        source.add_argument(
            "--password-stdin", action="store_true", help="Read the password from standard input."
        )

    def handle(self, *, json: bool, generate: bool, password_stdin: bool, **options: Any) -> None:
        """The user exists, and its id is printed."""
        if generate:
            password = new_secret(GENERATED_BYTES)
        elif password_stdin:
            password = sys.stdin.readline().rstrip("\r\n")
        else:
            password = _ask()
        who = {name: options[name] for name in ("email", "name", "role")}
        try:
            user = services.create_user(**who, password=password, actor=command_actor())
        except AccountError as error:
            raise CommandError(str(error)) from None
        result = {"id": str(user.pk), "email": user.email, "name": user.name, "role": user.role}
        if generate:
            result["password"] = password
        self.report(result, title="user created", as_json=json)


def _ask() -> str:
    """The password that the operator typed twice.

    Raises: CommandError.
    """
    if not sys.stdin.isatty():
        raise CommandError(
            "no terminal to ask for the password: use --password-stdin or --generate"
        )
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise CommandError("the passwords differ")
    return password
