"""`manage.py create_resource`: register a protected resource."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.output import ReportingCommand
from oauth.management.rule_options import add_rules, named_rules
from oauth.models import Resource
from oauth.resources.errors import ResourceError
from oauth.resources.seeds import slug_of
from oauth.resources.services import create_resource


class Command(ReportingCommand):
    """A resource exists for which tokens can be issued."""

    help = "Register a protected resource, for instance an MCP server."

    def add_arguments(self, parser: CommandParser) -> None:
        """What the resource is called and which scopes it has."""
        super().add_arguments(parser)
        parser.add_argument(
            "uri", nargs="?", default="", help="its URI: the audience of tokens, byte for byte"
        )
        parser.add_argument("--slug", default="", help="short name; made of the host by default")
        parser.add_argument("--name", default="", help="name shown to users")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            metavar="NAME[=DESCRIPTION]",
            help="a scope and what it allows, as users read it; may be repeated",
        )
        parser.add_argument(
            "--default-scope",
            action="append",
            default=[],
            metavar="NAME",
            help="a scope granted when none is asked for; all are when none is named here",
        )
        parser.add_argument(
            "--broker-provider",
            default="",
            metavar="SLUG",
            help="the upstream service whose tokens are given out for it; it needs no URI then",
        )
        parser.add_argument(
            "--upstream",
            action="append",
            default=[],
            metavar="NAME=UPSTREAM",
            help="what a scope is called at that service; may be repeated, also for one scope",
        )
        add_rules(parser)
        for name, text in (
            ("--runtime-client", "a client that acts as the resource; may be repeated"),
            ("--exchange-client", "a client that may exchange into it; may be repeated"),
        ):
            parser.add_argument(name, action="append", default=[], metavar="CLIENT_ID", help=text)

    def handle(
        self,
        *,
        uri: str,
        slug: str,
        name: str,
        scope: list[str],
        default_scope: list[str],
        **options: Any,
    ) -> None:
        """The resource is printed.

        Raises: CommandError with everything that is wrong.
        """
        provider: str = options["broker_provider"]
        if not uri and not (provider and slug):
            raise CommandError("say its URI, or --slug and --broker-provider")
        if options["upstream"] and not provider:
            raise CommandError("--upstream goes with --broker-provider only")
        scopes = [_scope(text, defaults=default_scope) for text in scope]
        upstream = _upstream(options["upstream"])
        for entry in scopes:
            if entry["name"] in upstream:
                entry["upstream"] = upstream[entry["name"]]
        strangers = {*default_scope, *upstream} - {entry["name"] for entry in scopes}
        if strangers:
            raise CommandError(f"not among the scopes: {', '.join(sorted(strangers))}")
        try:
            row = create_resource(
                {
                    "slug": slug or slug_of(uri),
                    "uri": uri,
                    "backend_kind": (
                        Resource.Backend.BROKER if provider else Resource.Backend.MINT
                    ).value,
                    "broker_provider_slug": provider,
                    "display_name": name,
                    "scopes": scopes,
                    "policy": {
                        "exchange": {"allowed_client_ids": options["exchange_client"]},
                        "runtime": {"client_ids": options["runtime_client"]},
                        **named_rules(options),
                    },
                },
                actor=command_actor(),
            )
        except ResourceError as error:
            raise CommandError(str(error)) from error
        result = {
            "id": str(row.pk),
            "slug": row.slug,
            "uri": row.uri,
            "display_name": row.display_name,
            "scopes": row.scopes if options["json"] else [entry["name"] for entry in row.scopes],
        }
        self.report(result, title="resource created", as_json=options["json"])


def _upstream(pairs: list[str]) -> dict[str, list[str]]:
    """Names at the upstream service by our names.

    Raises: CommandError.
    """
    found: dict[str, list[str]] = {}
    for text in pairs:
        name, separator, upstream = text.partition("=")
        if not separator or not upstream:
            raise CommandError("--upstream takes NAME=UPSTREAM")
        found.setdefault(name, []).append(upstream)
    return found


def _scope(text: str, *, defaults: list[str]) -> dict[str, Any]:
    name, _, description = text.partition("=")
    return {"name": name, "description": description, "default": name in defaults}
