"""`manage.py workload_issuer`: whose word about workloads counts, and which clients those are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.subcommands import MAX_LISTED
from oauth.federation import services
from oauth.federation.presets import PRESETS
from oauth.federation.rehearsal import rehearse
from oauth.federation.view import issuer_view, rehearsal_view
from oauth.management.entries import EntryCommand, given, key_of
from oauth.models import WorkloadIssuer

Rules = list[dict[str, Any]]


class Command(EntryCommand):
    """Workload issuers are registered, changed, tried, shown and removed."""

    help = "Register, change, try, show and remove issuers of workload tokens."
    noun = "workload issuer"
    nouns = "workload issuers"
    actions: ClassVar[dict[str, str]] = {
        "create": "let an issuer's workload tokens count",
        "update": "change one, its rules as a whole",
        "get": "show one",
        "list": "show all",
        "delete": "let its tokens count no longer",
        "refresh-keys": "fetch one's keys now",
        "test": "which rule a subject would meet",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action == "create":
            parser.add_argument("--name", required=True, help="a name for people")
            parser.add_argument(
                "--preset", choices=list(PRESETS), default="generic", help="what kind of issuer"
            )
            parser.add_argument("--issuer", help="the iss of its tokens; a preset may know it")
        elif action != "list":
            parser.add_argument("--id", required=True, help="the issuer's id")
        if action == "update":
            parser.add_argument("--name", help="another name")
            switch = parser.add_mutually_exclusive_group()
            switch.add_argument("--enable", action="store_true", help="its tokens count")
            switch.add_argument("--disable", action="store_true", help="they do not")
        if action in {"create", "update"}:
            _add_content(parser)
        if action == "test":
            parser.add_argument("--subject", required=True, help="the sub of a token")
            parser.add_argument("--claims", default="{}", metavar="JSON", help="its other claims")

    def create(self, options: dict[str, Any]) -> None:
        """An issuer is registered."""
        body = given(options, "name", "preset", "issuer", "jwks_uri", "audience")
        row = services.create_issuer(body | _content(options), actor=command_actor())
        self.tell(issuer_view(row), "created", options)

    def update(self, options: dict[str, Any]) -> None:
        """An issuer is changed."""
        body = given(options, "name", "jwks_uri", "audience") | _content(options)
        if options["enable"] or options["disable"]:
            body["enabled"] = bool(options["enable"])
        if not body:
            raise CommandError("say what is to change")
        key = key_of(options["id"], self.noun)
        self.tell(
            issuer_view(services.patch_issuer(key, body, actor=command_actor())), "updated", options
        )

    def get(self, options: dict[str, Any]) -> None:
        """One issuer."""
        self.tell(issuer_view(services.find_row(key_of(options["id"], self.noun))), "", options)

    def list(self, options: dict[str, Any]) -> None:
        """All issuers."""
        rows = WorkloadIssuer.objects.order_by("pk")
        self.tell_all(map(issuer_view, rows[:MAX_LISTED]), options, total=rows.count())

    def delete(self, options: dict[str, Any]) -> None:
        """An issuer is removed."""
        key = key_of(options["id"], self.noun)
        services.delete_issuer(key, actor=command_actor())
        self.tell({"id": str(key)}, "deleted", options)

    def refresh_keys(self, options: dict[str, Any]) -> None:
        """An issuer's keys are fetched."""
        key = key_of(options["id"], self.noun)
        keys = services.renew_keys(key, actor=command_actor())
        self.tell({"id": str(key), "keys": keys}, "keys refreshed", options)

    def test(self, options: dict[str, Any]) -> None:
        """A subject is tried against the rules."""
        row = services.find_row(key_of(options["id"], self.noun))
        claims = _json(options["claims"], "--claims")
        if not isinstance(claims, dict):
            raise CommandError("--claims must be a JSON object")
        done = rehearse(row, subject=options["subject"], claims=claims)
        self.tell(rehearsal_view(done), "tried", options)


def _add_content(parser: CommandParser) -> None:
    parser.add_argument("--jwks-uri", help="where its keys are; else the issuer is asked")
    parser.add_argument("--jwks", metavar="FILE", help="its keys, for one that nobody can reach")
    parser.add_argument("--audience", help="what its tokens name us; else our issuer")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="SUBJECT=CLIENT_ID",
        help="a rule: workloads whose subject fits the pattern are this client; may be repeated",
    )
    parser.add_argument("--rules", metavar="FILE", help="rules with claims, as a JSON list")


def _content(options: dict[str, Any]) -> dict[str, Any]:
    """Keys and rules of the options."""
    body: dict[str, Any] = {}
    if options["jwks"]:
        body["jwks"] = _json(_text(options["jwks"]), "--jwks")
    rules: Rules = [_rule(text) for text in options["map"]]
    if options["rules"]:
        found = _json(_text(options["rules"]), "--rules")
        rules += found if isinstance(found, list) else [found]
    if rules or options["rules"]:
        body["rules"] = rules
    return body


def _rule(text: str) -> dict[str, Any]:
    """The last equals sign separates: a client id has none, a subject may."""
    subject, equals, client_id = text.rpartition("=")
    if not equals:
        raise CommandError("--map must be SUBJECT=CLIENT_ID")
    return {"subject": subject, "client_id": client_id}


def _text(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {type(error).__name__}") from None


def _json(text: str, option: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise CommandError(f"{option} must be JSON") from None
