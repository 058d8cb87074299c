"""`manage.py oauth_proxy`: issuers of their own in front of upstream services."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.core import clock
from authplane.core.management.actor import command_actor
from authplane.core.management.subcommands import MAX_LISTED, ActionsCommand
from broker.models import OAuthProxy
from broker.proxies import services
from broker.proxies.body import MODES
from broker.proxies.errors import BadProxy, NoSuchProxy, ProxyConflict
from broker.proxies.sessions import clean_up_for, statistics
from broker.proxies.view import shown_proxy


class Command(ActionsCommand):
    """Proxies are made, changed, shown and removed by the checks of the operator API."""

    help = "Make, change, show and remove OAuth proxies."
    noun = "OAuth proxy"
    nouns = "OAuth proxies"
    actions: ClassVar[dict[str, str]] = {
        "create": "make one",
        "update": "change one; what is not said stays",
        "show": "show one",
        "list": "show all",
        "delete": "remove one, with its clients and their tokens",
        "sessions": "count the sessions of all; --cleanup removes those that ended",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action not in {"list", "sessions"}:
            parser.add_argument("proxy", help="its short name, or its id")
        if action in {"create", "update"}:
            _add_members(parser, is_new=action == "create")
        if action == "sessions":
            parser.add_argument("--cleanup", action="store_true", help="remove ended ones")

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran.

        Raises: CommandError with everything that is wrong.
        """
        try:
            super().handle(action=action, **options)
        except NoSuchProxy:
            raise CommandError("OAuth proxy not found") from None
        except (BadProxy, ProxyConflict) as error:
            raise CommandError(str(error)) from error

    def create(self, options: dict[str, Any]) -> None:
        """A proxy is made."""
        body = {"slug": options["proxy"], **_members(options)}
        self._show(services.create_proxy(body, actor=command_actor()), "created", options)

    def update(self, options: dict[str, Any]) -> None:
        """A proxy is changed."""
        body = _members(options)
        if not body:
            raise CommandError("nothing to change was said")
        key = services.find_proxy(options["proxy"]).pk
        self._show(services.patch_proxy(key, body, actor=command_actor()), "updated", options)

    def show(self, options: dict[str, Any]) -> None:
        """One proxy."""
        self._show(services.find_proxy(options["proxy"]), "", options)

    def list(self, options: dict[str, Any]) -> None:
        """All proxies."""
        rows = OAuthProxy.objects.select_related("provider").order_by("id")[:MAX_LISTED]
        found = [shown_proxy(row) for row in rows]
        self.tell_all(found, options)

    def delete(self, options: dict[str, Any]) -> None:
        """A proxy is removed."""
        row = services.find_proxy(options["proxy"])
        services.delete_proxy(row.pk, actor=command_actor())
        told = {"id": row.pk, "slug": row.slug}
        self.tell(told, "deleted", options)

    def sessions(self, options: dict[str, Any]) -> None:
        """How many sessions there are."""
        now = clock.now()
        told = {"deleted_count": clean_up_for("cli", now=now)} if options["cleanup"] else {}
        self.report(
            told | statistics(now=now), title="sessions of OAuth proxies", as_json=options["json"]
        )

    def _show(self, row: OAuthProxy, done: str, options: dict[str, Any]) -> None:
        self.tell(shown_proxy(row), done, options)


def _add_members(parser: CommandParser, *, is_new: bool) -> None:
    parser.add_argument("--name", help="its name for people")
    parser.add_argument("--provider", help="the service behind it, by slug or number")
    parser.add_argument("--target-url", help="what clients call: the audience of its tokens")
    parser.add_argument("--mode", choices=MODES, help="whose tokens clients hold")
    for option, what in (("--redirect", "a redirect URI, or pattern, that clients may have"),
                         ("--scope", "a scope that clients may ask for")):  # fmt: skip
        parser.add_argument(option, action="append", metavar="TEXT", help=f"{what}; may repeat")
    parser.add_argument("--config", metavar="JSON", help="the same by its oauth_proxy_ names")
    consent = parser.add_mutually_exclusive_group()
    consent.add_argument("--require-consent", action="store_true", help="users are asked")
    consent.add_argument("--no-consent", action="store_true", help="users are not asked")
    switch = parser.add_mutually_exclusive_group()
    switch.add_argument("--enable", action="store_true", help="it is used")
    switch.add_argument("--disable", action="store_true", help="it is not")
    if not is_new:
        parser.add_argument("--new-slug", help="another short name")


def _members(options: Mapping[str, Any]) -> dict[str, Any]:
    """The members that were said. Raises: CommandError."""
    body: dict[str, Any] = {
        member: options[option]
        for option, member in (
            ("name", "name"), ("target_url", "target_url"), ("mode", "mode"), ("new_slug", "slug"),
            ("redirect", "allowed_redirects"), ("scope", "scopes"),
        )
        if options.get(option)
    }  # fmt: skip
    provider = options["provider"]
    if provider:
        body["provider"] = int(provider) if provider.isdecimal() else provider
    if options["require_consent"] or options["no_consent"]:
        body["require_consent"] = bool(options["require_consent"])
    if options["enable"] or options["disable"]:
        body["enabled"] = bool(options["enable"])
    if options["config"]:
        try:
            body["config"] = json.loads(options["config"])
        except ValueError:
            raise CommandError("--config must be a JSON object") from None
    return body
