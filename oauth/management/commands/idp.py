"""`manage.py idp`: identity providers whose assertions are accepted."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.subcommands import MAX_LISTED
from oauth.management.entries import EntryCommand, given, key_of
from oauth.models import TrustedIdP
from oauth.xaa import providers
from oauth.xaa.view import idp_view


class Command(EntryCommand):
    """Identity providers are registered, changed, shown and removed."""

    help = "Register, change, show and remove identity providers for identity assertions."
    noun = "identity provider"
    nouns = "idps"
    actions: ClassVar[dict[str, str]] = {
        "create": "trust an identity provider",
        "update": "rename one, or switch it on or off",
        "get": "show one",
        "list": "show all",
        "delete": "trust one no longer, and drop its policies and mappings",
        "refresh-keys": "fetch one's keys now",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action == "create":
            parser.add_argument("--name", required=True, help="a name for people")
            parser.add_argument("--issuer", required=True, help="the iss of its assertions")
            parser.add_argument("--jwks-uri", help="where its keys are; else the issuer is asked")
            parser.add_argument("--audience", help="what its assertions name us; else our issuer")
        elif action != "list":
            parser.add_argument("--id", required=True, help="the provider's id")
        if action == "update":
            parser.add_argument("--name", help="another name")
            switch = parser.add_mutually_exclusive_group()
            switch.add_argument("--enable", action="store_true", help="its assertions count")
            switch.add_argument("--disable", action="store_true", help="they do not")

    def create(self, options: dict[str, Any]) -> None:
        """A provider is registered."""
        body = given(options, "name", "issuer", "jwks_uri", "audience")
        self.tell(
            idp_view(providers.create_provider(body, actor=command_actor())), "created", options
        )

    def update(self, options: dict[str, Any]) -> None:
        """A provider is changed."""
        body = given(options, "name")
        if options["enable"] or options["disable"]:
            body["enabled"] = bool(options["enable"])
        if not body:
            raise CommandError("say --name, --enable or --disable")
        row = providers.change_provider(
            key_of(options["id"], self.noun), body, actor=command_actor()
        )
        self.tell(idp_view(row), "updated", options)

    def get(self, options: dict[str, Any]) -> None:
        """One provider."""
        row = providers.find_provider_row(key_of(options["id"], self.noun))
        self.tell(idp_view(row), "", options)

    def list(self, options: dict[str, Any]) -> None:
        """All providers."""
        rows = TrustedIdP.objects.order_by("pk")
        self.tell_all(map(idp_view, rows[:MAX_LISTED]), options, total=rows.count())

    def delete(self, options: dict[str, Any]) -> None:
        """A provider is removed."""
        key = key_of(options["id"], self.noun)
        providers.delete_provider(key, actor=command_actor())
        self.tell({"id": str(key)}, "deleted", options)

    def refresh_keys(self, options: dict[str, Any]) -> None:
        """A provider's keys are fetched."""
        key = key_of(options["id"], self.noun)
        keys = providers.refresh_keys(key, actor=command_actor())
        self.tell({"id": str(key), "keys": keys}, "keys refreshed", options)
