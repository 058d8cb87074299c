"""`manage.py seed_demo`: something to look at on a fresh server."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from authplane.core.config import config, is_local

EMAIL = "demo@example.com"
RESOURCE = "http://localhost:9100/mcp"
SCOPE = "notes:read"


class Command(BaseCommand):
    """A user, a resource and a client exist; what they can prove themselves with is shown once."""

    help = "Seed a demo user, resource and client. Changes nothing when they are there."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """The demo exists. Raises: CommandError on a server that others use."""
        if not is_local():
            raise CommandError("a demo belongs on a server for this machine only")
        try:
            with transaction.atomic():
                user = _made("create_user", email=EMAIL, generate=True)
                _made(
                    "create_resource",
                    RESOURCE,
                    slug="demo",
                    name="Protected notes",
                    scope=[f"{SCOPE}=Read your notes.", "notes:write=Add notes."],
                )
                client = _made(
                    "create_client",
                    name="Demo job",
                    grant_type=["client_credentials"],
                    auth_method="client_secret_basic",
                    scope=SCOPE,
                )
        except CommandError:
            # The user comes first, so that a demo of an earlier start stops everything else.
            self.stdout.write(f"  demo        {EMAIL} is there already")
            return
        issuer = config().server.issuer
        lines = [
            "",
            "  Demo, shown this once:",
            "",
            f"  user        {EMAIL}",
            f"  password    {user['password']}",
            f"  client      {client['client_id']}",
            f"  secret      {client['client_secret']}",
            "",
            "  A first token:",
            "",
            f"  curl {issuer}/oauth/token -u {client['client_id']}:{client['client_secret']} \\",
            f"    -d grant_type=client_credentials -d scope={SCOPE} -d resource={RESOURCE}",
            "",
        ]
        self.stdout.write("\n".join(lines))


def _made(command: str, *arguments: str, **options: Any) -> dict[str, Any]:
    """What the command reports. Raises: CommandError when it made nothing."""
    said = StringIO()
    call_command(command, *arguments, json=True, stdout=said, **options)
    made: dict[str, Any] = json.loads(said.getvalue())
    return made
