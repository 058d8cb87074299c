"""`manage.py identity_provider`: OpenID providers that people may sign in with, and who does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.core.management.base import CommandError, CommandParser

from authplane.accounts.models import User
from authplane.accounts.selectors import find_by_email, find_user
from authplane.core.management.actor import command_actor
from authplane.core.management.files import text_of
from authplane.core.management.subcommands import MAX_LISTED, ActionsCommand
from broker.models import FederatedIdentity, IdentityProvider
from broker.signin import accounts, services
from broker.signin.errors import (
    BadProvider,
    IdentityTaken,
    NoSuchIdentity,
    NoSuchProvider,
    ProviderConflict,
    ProviderInUse,
)
from broker.signin.view import shown_identity, shown_provider

MAX_SECRET: Final = 8192


class Command(ActionsCommand):
    """Providers and links are made, changed, shown and removed by the operator API's checks."""

    help = "Register OpenID providers that people sign in with, and say which user somebody is."
    noun = "identity provider"
    nouns = "identity providers"
    actions: ClassVar[dict[str, str]] = {
        "create": "register one",
        "update": "change one; what is not said stays",
        "show": "show one",
        "list": "show all",
        "delete": "remove one that nobody signs in with",
        "link": "a subject of it is this user from now on",
        "unlink": "a subject of it is nobody here any more",
        "identities": "show who signs in with it",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        if action != "list":
            parser.add_argument("slug", help="its short name, which is in its callback's URL")
        if action in {"create", "update"}:
            _add_members(parser, is_new=action == "create")
        if action in {"link", "unlink"}:
            parser.add_argument("subject", help="the `sub` of its ID tokens")
        if action == "link":
            parser.add_argument("user", help="e-mail address or id of the account")

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran.

        Raises: CommandError with everything that is wrong.
        """
        try:
            super().handle(action=action, **options)
        except NoSuchProvider:
            raise CommandError("identity provider not found") from None
        except NoSuchIdentity:
            raise CommandError("nobody is linked with this subject") from None
        except (BadProvider, ProviderConflict, ProviderInUse, IdentityTaken, ValueError) as error:
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
        rows = IdentityProvider.objects.order_by("slug")[:MAX_LISTED]
        self.tell_all(map(shown_provider, rows), options)

    def delete(self, options: dict[str, Any]) -> None:
        """A provider is removed."""
        row = _row(options)
        services.delete_provider(row.pk, actor=command_actor())
        told = {"id": str(row.pk), "slug": row.slug}
        self.tell(told, "deleted", options)

    def link(self, options: dict[str, Any]) -> None:
        """A subject is a user."""
        row = accounts.link(
            provider=_row(options), subject=options["subject"], user=_user(options["user"]),
            actor=command_actor(),
        )  # fmt: skip
        self.report(shown_identity(row), title="identity linked", as_json=options["json"])

    def unlink(self, options: dict[str, Any]) -> None:
        """A subject is nobody."""
        user = accounts.unlink(
            provider=_row(options), subject=options["subject"], actor=command_actor()
        )
        told = {
            "provider": options["slug"],
            "subject": options["subject"],
            "user_id": str(user.pk),
        }
        self.report(told, title="identity unlinked", as_json=options["json"])

    def identities(self, options: dict[str, Any]) -> None:
        """Who signs in with the provider."""
        rows = FederatedIdentity.objects.select_related("provider", "user").order_by("-pk")
        found = rows.filter(provider=_row(options))[:MAX_LISTED]
        self.tell_all(map(shown_identity, found), options, noun="identity", nouns="identities")

    def _show(self, row: IdentityProvider, done: str, options: dict[str, Any]) -> None:
        self.tell(shown_provider(row), done, options)


def _add_members(parser: CommandParser, *, is_new: bool) -> None:
    parser.add_argument("--issuer", required=is_new, help="as its discovery document spells it")
    parser.add_argument("--client-id", required=is_new, help="our id there")
    parser.add_argument("--name", required=is_new, help="its name on the sign-in page")
    parser.add_argument(
        "--secret-file",
        metavar="FILE",
        help="a file that holds the client secret, - for standard input; it is stored sealed",
    )
    parser.add_argument("--secret-ref", help="the variable that holds it: CONNECTOR_...")
    parser.add_argument(
        "--auth-method",
        choices=("client_secret_basic", "client_secret_post"),
        help="how the secret is sent; by its discovery document unless said",
    )
    parser.add_argument("--scopes", help="separated by spaces; openid has to be among them")
    parser.add_argument("--connector-id", help="which of its connectors Dex goes to")
    parser.add_argument(
        "--allowed-domain",
        action="append",
        metavar="DOMAIN",
        help='of verified e-mail addresses; may be repeated; "" for any',
    )
    parser.add_argument("--groups-claim", help="where it says the groups of a person")
    parser.add_argument(
        "--role",
        action="append",
        metavar="GROUP=ROLE",
        help='may be repeated; replaces those there are; "" for none',
    )
    if not is_new:
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--enable", action="store_true", help="people may sign in with it")
        switch.add_argument("--disable", action="store_true", help="they may not")
        parser.add_argument("--forget-secret", action="store_true", help="drop the stored secret")


def _members(options: Mapping[str, Any]) -> dict[str, Any]:
    """The members that were said. A secret is never taken from the command line.

    Arguments are in the list of processes, which everybody on the machine can read.

    Raises: CommandError.
    """
    body: dict[str, Any] = {
        member: options[option]
        for option, member in (
            ("issuer", "issuer"), ("client_id", "client_id"), ("name", "display_name"),
            ("secret_ref", "secret_ref"), ("connector_id", "connector_id"),
            ("groups_claim", "groups_claim"), ("auth_method", "token_endpoint_auth_method"),
        )
        if options.get(option) is not None
    }  # fmt: skip
    if options["scopes"] is not None:
        body["scopes"] = options["scopes"].split()
    if options["allowed_domain"] is not None:
        body["allowed_domains"] = [one for one in options["allowed_domain"] if one]
    if options["role"] is not None:
        body["role_map"] = dict(_pair(one) for one in options["role"] if one)
    if options.get("enable") or options.get("disable"):
        body["enabled"] = bool(options.get("enable"))
    if options["secret_file"] and options.get("forget_secret"):
        raise CommandError("--secret-file and --forget-secret exclude each other")
    if options.get("forget_secret"):
        body["secret"] = None
    if options["secret_file"]:
        body["secret"] = text_of(options["secret_file"], longest=MAX_SECRET).strip()
    return body


def _pair(text: str) -> tuple[str, str]:
    group, separator, role = text.rpartition("=")
    if not separator:
        raise CommandError("--role takes GROUP=ROLE")
    return group, role


def _row(options: Mapping[str, Any]) -> IdentityProvider:
    row = IdentityProvider.objects.filter(slug=options["slug"]).first()
    if row is None:
        raise NoSuchProvider
    return row


def _user(name: str) -> User:
    """Raises: CommandError."""
    user = find_by_email(name) if "@" in name else find_user(name)
    if user is None:
        raise CommandError("user not found")
    return user
