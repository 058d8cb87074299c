"""`manage.py xaa_policy`: what identity assertions may obtain."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.subcommands import MAX_LISTED
from oauth.management.entries import EntryCommand, given, key_of
from oauth.models import XAAPolicy
from oauth.xaa import policies
from oauth.xaa.view import policy_view


class Command(EntryCommand):
    """Policies are made, changed, shown and removed."""

    help = "Make, change, show and remove policies for identity assertions."
    noun = "XAA policy"
    nouns = "policies"
    actions: ClassVar[dict[str, str]] = {
        "create": "allow assertions of a provider something",
        "update": "change a policy; lists are replaced",
        "get": "show one policy",
        "list": "show all policies, or those of a provider",
        "delete": "remove a policy",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action in {"create", "list"}:
            parser.add_argument("--idp", required=action == "create", help="the provider's id")
        else:
            parser.add_argument("--id", required=True, help="the policy's id")
        if action in {"create", "update"}:
            _add_members(parser, is_new=action == "create")

    def create(self, options: dict[str, Any]) -> None:
        """A policy is made."""
        body = _body(options) | {"idp_id": options["idp"]}
        self.tell(
            policy_view(policies.create_policy(body, actor=command_actor())), "created", options
        )

    def update(self, options: dict[str, Any]) -> None:
        """A policy is changed."""
        body = _body(options)
        if options["enable"] or options["disable"]:
            body["enabled"] = bool(options["enable"])
        if not body:
            raise CommandError("say what is to change")
        row = policies.change_policy(key_of(options["id"], self.noun), body, actor=command_actor())
        self.tell(policy_view(row), "updated", options)

    def get(self, options: dict[str, Any]) -> None:
        """One policy."""
        row = policies.find_policy(key_of(options["id"], self.noun))
        self.tell(policy_view(row), "", options)

    def list(self, options: dict[str, Any]) -> None:
        """All policies."""
        rows = XAAPolicy.objects.order_by("pk")
        if options["idp"]:
            rows = rows.filter(idp_id=key_of(options["idp"], "provider"))
        self.tell_all(map(policy_view, rows[:MAX_LISTED]), options, total=rows.count())

    def delete(self, options: dict[str, Any]) -> None:
        """A policy is removed."""
        key = key_of(options["id"], self.noun)
        policies.delete_policy(key, actor=command_actor())
        self.tell({"id": str(key)}, "deleted", options)


def _add_members(parser: CommandParser, *, is_new: bool) -> None:
    parser.add_argument("--name", required=is_new, help="a name for people")
    parser.add_argument("--client", action="append", dest="client_ids", help="may be repeated")
    parser.add_argument("--resource", action="append", dest="resources", help="may be repeated")
    parser.add_argument("--any-client", action="store_true", help="no limit to clients")
    parser.add_argument("--any-resource", action="store_true", help="no limit to resources")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--scope", action="append", dest="scopes", help="may be repeated")
    limit.add_argument("--any-scope", action="store_true", help="no limit to scopes")
    limit.add_argument("--no-scope", action="store_true", help="the policy allows nothing")
    if not is_new:
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--enable", action="store_true")
        switch.add_argument("--disable", action="store_true")


def _body(options: dict[str, Any]) -> dict[str, Any]:
    body = given(options, "name", "client_ids", "resources", "scopes")
    for option, member, value in (
        ("any_client", "client_ids", []),
        ("any_resource", "resources", []),
        ("any_scope", "scopes", None),
        ("no_scope", "scopes", []),
    ):
        if options[option]:
            body[member] = value
    return body
