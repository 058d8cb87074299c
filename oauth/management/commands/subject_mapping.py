"""`manage.py subject_mapping`: who the subjects of identity providers are here."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.subcommands import MAX_LISTED
from oauth.management.entries import EntryCommand, key_of
from oauth.models import SubjectMapping
from oauth.xaa import mappings
from oauth.xaa.seeds import resolved
from oauth.xaa.view import mapping_view


class Command(EntryCommand):
    """Mappings are made, shown and removed."""

    help = "Link subjects of identity providers to users, show the links and remove them."
    noun = "subject mapping"
    nouns = "subject mappings"
    actions: ClassVar[dict[str, str]] = {
        "create": "say who a subject is",
        "list": "show all mappings, or those of a provider",
        "delete": "remove a mapping",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action == "delete":
            parser.add_argument("--id", required=True, help="the mapping's id")
            return
        parser.add_argument("--idp", required=action == "create", help="the provider's id")
        if action == "create":
            parser.add_argument("--subject", required=True, help="the sub of its assertions")
            who = parser.add_mutually_exclusive_group()
            who.add_argument("--user-id", help="the user's id; without a user it is only known")
            who.add_argument("--user", help="the user's e-mail address instead")

    def create(self, options: dict[str, Any]) -> None:
        """A mapping is made."""
        body = {"idp_id": options["idp"], "idp_subject": options["subject"]}
        if options["user_id"]:
            body["local_user_id"] = options["user_id"]
        if options["user"]:
            body["local_user"] = options["user"]
        self.tell(
            mapping_view(mappings.create_mapping(resolved(body), actor=command_actor())),
            "created",
            options,
        )

    def list(self, options: dict[str, Any]) -> None:
        """All mappings."""
        rows = SubjectMapping.objects.order_by("pk")
        if options["idp"]:
            rows = rows.filter(idp_id=key_of(options["idp"], "provider"))
        self.tell_all(map(mapping_view, rows[:MAX_LISTED]), options, total=rows.count())

    def delete(self, options: dict[str, Any]) -> None:
        """A mapping is removed."""
        key = key_of(options["id"], self.noun)
        mappings.delete_mapping(key, actor=command_actor())
        self.tell({"id": str(key)}, "deleted", options)
