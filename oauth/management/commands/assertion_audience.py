"""`manage.py assertion_audience`: to which servers users are asserted, and for which clients."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.subcommands import MAX_LISTED
from oauth.management.entries import EntryCommand, given, key_of
from oauth.models import AssertionAudience
from oauth.xaa import audience_services as services
from oauth.xaa.view import audience_view


class Command(EntryCommand):
    """Audiences of identity assertions are registered, changed, shown and removed."""

    help = "Register, change, show and remove servers to which users are asserted (ID-JAG)."
    noun = "assertion audience"
    nouns = "assertion audiences"
    actions: ClassVar[dict[str, str]] = {
        "create": "let users be asserted to a server",
        "update": "change what may be asserted there; lists are replaced as wholes",
        "get": "show one",
        "list": "show all",
        "delete": "assert nobody there any more",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action == "create":
            parser.add_argument("--name", required=True, help="a name for people")
            parser.add_argument("--audience", required=True, help="the server's issuer")
        elif action != "list":
            parser.add_argument("--id", required=True, help="the audience's id")
        if action == "update":
            parser.add_argument("--name", help="another name")
            switch = parser.add_mutually_exclusive_group()
            switch.add_argument("--enable", action="store_true", help="users are asserted there")
            switch.add_argument("--disable", action="store_true", help="they are not")
        if action in {"create", "update"}:
            _add_content(parser)

    def create(self, options: dict[str, Any]) -> None:
        """An audience is registered."""
        body = given(options, "name", "audience") | _content(options)
        self.tell(
            audience_view(services.create_audience(body, actor=command_actor())), "created", options
        )

    def update(self, options: dict[str, Any]) -> None:
        """An audience is changed."""
        body = given(options, "name") | _content(options)
        if options["enable"] or options["disable"]:
            body["enabled"] = bool(options["enable"])
        if not body:
            raise CommandError("say what is to change")
        key = key_of(options["id"], self.noun)
        self.tell(
            audience_view(services.patch_audience(key, body, actor=command_actor())),
            "updated",
            options,
        )

    def get(self, options: dict[str, Any]) -> None:
        """One audience."""
        self.tell(audience_view(services.find_row(key_of(options["id"], self.noun))), "", options)

    def list(self, options: dict[str, Any]) -> None:
        """All audiences."""
        rows = AssertionAudience.objects.order_by("pk")
        self.tell_all(map(audience_view, rows[:MAX_LISTED]), options, total=rows.count())

    def delete(self, options: dict[str, Any]) -> None:
        """An audience is removed."""
        key = key_of(options["id"], self.noun)
        services.delete_audience(key, actor=command_actor())
        self.tell({"id": str(key)}, "deleted", options)


def _add_content(parser: CommandParser) -> None:
    parser.add_argument(
        "--client-id",
        action="append",
        default=[],
        metavar="ID[=ID_THERE]",
        help="a client of ours that may ask, and its id over there; may be repeated",
    )
    parser.add_argument(
        "--resource", action="append", default=[], help="of theirs; may be repeated"
    )
    scopes = parser.add_mutually_exclusive_group()
    scopes.add_argument("--scope", action="append", default=[], help="of theirs; may be repeated")
    scopes.add_argument("--any-scope", action="store_true", help="whatever is asked for")


def _content(options: dict[str, Any]) -> dict[str, Any]:
    """The lists that were given."""
    pairs = [text.partition("=") for text in options["client_id"]]
    body: dict[str, Any] = {}
    if pairs:
        body["client_ids"] = [here for here, _, _ in pairs]
        body["remote_client_ids"] = {here: there for here, _, there in pairs if there}
    if options["resource"]:
        body["resources"] = options["resource"]
    if options["scope"] or options["any_scope"]:
        body["scopes"] = None if options["any_scope"] else options["scope"]
    return body
