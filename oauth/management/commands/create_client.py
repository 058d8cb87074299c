"""`manage.py create_client`: make a client from the shell; its secret is printed once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.output import ReportingCommand
from oauth.clients.policy import AUTH_METHODS
from oauth.clients.services import create_client
from oauth.registration.schema import BadMetadata


class Command(ReportingCommand):
    """The rules are those of the operator API: every problem is told at once."""

    help = "Make an OAuth client."

    def add_arguments(self, parser: CommandParser) -> None:
        """The members of the client."""
        super().add_arguments(parser)
        parser.add_argument("--name", required=True, help="What users see at consent.")
        parser.add_argument(
            "--redirect-uri", action="append", default=[], help="May be given several times."
        )
        parser.add_argument(
            "--grant-type", action="append", default=[],
            help="May be given several times. Default: authorization_code and refresh_token.",
        )  # fmt: skip
        parser.add_argument(
            "--auth-method", default="none", choices=AUTH_METHODS,
            help="How the client proves itself at the token endpoint.",
        )  # fmt: skip
        parser.add_argument("--jwks-uri", default="", help="Where private_key_jwt keys are.")
        parser.add_argument("--scope", default="", help="Ceiling: scopes separated by spaces.")
        parser.add_argument("--agent", action="store_true", help="The client is an agent.")
        parser.add_argument("--agent-description", default="", help="What the agent does.")

    def handle(self, *_: Any, **options: Any) -> None:
        """The client exists; without success nothing was made and the exit status says so."""
        document = {
            "client_name": options["name"],
            "redirect_uris": options["redirect_uri"],
            "grant_types": options["grant_type"],
            "token_endpoint_auth_method": options["auth_method"],
            "jwks_uri": options["jwks_uri"],
            "scope": options["scope"],
            "agent": options["agent"],
            "agent_description": options["agent_description"],
        }
        try:
            created = create_client(document, actor="cli")
        except BadMetadata as bad:
            raise CommandError(bad.description) from None
        client = created.client
        result: dict[str, Any] = {"client_id": client.client_id}
        if created.secret is not None:
            result["client_secret"] = created.secret
        result |= {
            "client_name": client.name,
            "redirect_uris": client.redirect_uri_list,
            "grant_types": client.grant_types,
            "token_endpoint_auth_method": client.token_endpoint_auth_method,
            "scope": client.scope,
        }
        self.report(result, title="client created", as_json=options["json"])
