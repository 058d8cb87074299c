"""`manage.py broker_provider`: upstream services whose tokens are vended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.files import text_of
from authplane.core.management.subcommands import MAX_LISTED, ActionsCommand
from broker.errors import (
    BadProvider,
    NoSuchProvider,
    ProviderConflict,
    ProviderInUse,
    SecretUnavailable,
)
from broker.models import BrokerProvider
from broker.providers import services
from broker.providers.presets import PRESETS
from broker.providers.private_keys import BadKey, public_jwk
from broker.providers.selectors import provider_by_id
from broker.providers.view import shown_presets, shown_provider


class Command(ActionsCommand):
    """Providers are registered, changed, shown and removed by the checks of the operator API."""

    help = "Register, change, show and remove upstream services whose tokens are vended."
    noun = "broker provider"
    nouns = "broker providers"
    actions: ClassVar[dict[str, str]] = {
        "create": "register one",
        "update": "change one; what is not said stays",
        "show": "show one",
        "list": "show all",
        "presets": "show what presets fill in",
        "jwks": "show the public key of one that signs instead of sending a secret",
        "delete": "remove one that nothing refers to",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action not in {"list", "presets"}:
            parser.add_argument("slug", help="its short name, which is in its callback's URL")
        if action in {"create", "update"}:
            _add_members(parser, is_new=action == "create")

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran.

        Raises: CommandError with everything that is wrong.
        """
        try:
            super().handle(action=action, **options)
        except NoSuchProvider:
            raise CommandError("broker provider not found") from None
        except (BadProvider, ProviderConflict, ProviderInUse) as error:
            raise CommandError(str(error)) from error

    def create(self, options: dict[str, Any]) -> None:
        """A provider is registered."""
        body = {"slug": options["slug"], **_members(options)}
        self._show(services.create_provider(body, actor=command_actor()), "created", options)

    def update(self, options: dict[str, Any]) -> None:
        """A provider is changed."""
        body = _members(options)
        if not body:
            raise CommandError("nothing to change was said")
        self._show(
            services.patch_provider(_row(options).pk, body, actor=command_actor()),
            "updated",
            options,
        )

    def show(self, options: dict[str, Any]) -> None:
        """One provider."""
        self._show(_row(options), "", options)

    def list(self, options: dict[str, Any]) -> None:
        """All providers."""
        rows = BrokerProvider.objects.order_by("slug")
        self.tell_all(map(shown_provider, rows[:MAX_LISTED]), options)

    def presets(self, options: dict[str, Any]) -> None:
        """What presets fill in."""
        self.tell_all(shown_presets(), options, noun="preset", nouns="presets")

    def jwks(self, options: dict[str, Any]) -> None:
        """What the service has to know of the private key. Raises: CommandError."""
        provider = provider_by_id(_row(options).pk)
        try:
            jwk = public_jwk(provider.secret() if provider else "")
        except (BadKey, SecretUnavailable) as error:
            raise CommandError(f"there is no private key: {error}") from None
        self.stdout.write(json.dumps({"keys": [jwk]}, indent=None if options["json"] else 2))

    def delete(self, options: dict[str, Any]) -> None:
        """A provider is removed."""
        row = _row(options)
        services.delete_provider(row.pk, actor=command_actor())
        told = {"id": str(row.pk), "slug": row.slug}
        self.tell(told, "deleted", options)

    def _show(self, row: BrokerProvider, done: str, options: dict[str, Any]) -> None:
        self.tell(shown_provider(row), done, options)


def _add_members(parser: CommandParser, *, is_new: bool) -> None:
    if is_new:
        parser.add_argument("--preset", choices=[*PRESETS], help="a service that is known")
    else:
        parser.add_argument("--new-slug", help="another short name")
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--enable", action="store_true", help="it is used")
        switch.add_argument("--disable", action="store_true", help="it is not")
        parser.add_argument("--forget-secret", action="store_true", help="drop the stored secret")
    parser.add_argument("--name", help="its name for people")
    parser.add_argument("--protocol", choices=BrokerProvider.Protocol.values)
    parser.add_argument("--client-id", help="our id there; goes into its configuration")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="MEMBER=VALUE",
        help="one text member of its configuration; may be repeated; never a secret",
    )
    parser.add_argument("--config-data", metavar="FILE", help="its configuration, a JSON file")
    parser.add_argument(
        "--secret-file",
        metavar="FILE",
        help="a file that holds the secret, - for standard input; it is stored sealed",
    )


def _members(options: Mapping[str, Any]) -> dict[str, Any]:
    """The members that were said. A secret is never taken from the command line.

    Arguments are in the list of processes, which everybody on the machine can read.

    Raises: CommandError.
    """
    body: dict[str, Any] = {
        member: options[option]
        for option, member in (
            ("preset", "preset"), ("new_slug", "slug"), ("name", "display_name"),
            ("protocol", "protocol"),
        )
        if options.get(option)
    }  # fmt: skip
    if options.get("enable") or options.get("disable"):
        body["enabled"] = bool(options.get("enable"))
    if options["secret_file"] and options.get("forget_secret"):
        raise CommandError("--secret-file and --forget-secret exclude each other")
    if options.get("forget_secret"):
        body["secret"] = None
    if options["secret_file"]:
        body["secret"] = text_of(options["secret_file"]).strip()
    config = _configuration(options)
    if config is not None:
        body["config_data"] = config
    return body


def _configuration(options: Mapping[str, Any]) -> Any:
    """The file's object with what else was said on top; on an update, on top of what is stored.

    Raises: CommandError.
    """
    said = dict(_pair(text) for text in options["set"])
    if options["client_id"]:
        said["client_id"] = options["client_id"]
    if not options["config_data"]:
        if not said:
            return None
        known = BrokerProvider.objects.filter(slug=options["slug"]).first()
        is_update = "new_slug" in options and known is not None
        return {**(known.config_data if is_update and known else {}), **said}
    try:
        document = json.loads(text_of(options["config_data"]))
    except ValueError:
        raise CommandError("--config-data must hold a JSON object") from None
    if not isinstance(document, dict):
        raise CommandError("--config-data must hold a JSON object")
    return {**document, **said}


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise CommandError("--set takes MEMBER=VALUE")
    return name, value


def _row(options: Mapping[str, Any]) -> BrokerProvider:
    row = BrokerProvider.objects.filter(slug=options["slug"]).first()
    if row is None:
        raise NoSuchProvider
    return row
