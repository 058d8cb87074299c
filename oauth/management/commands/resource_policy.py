"""`manage.py resource_policy`: show and change what a resource demands of its tokens."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from authplane.core.management.actor import command_actor
from authplane.core.management.output import ReportingCommand
from oauth.management.rule_options import add_rules, named_rules
from oauth.resources.errors import BadResource, ResourceError
from oauth.resources.policy import change_rules
from oauth.resources.policy_body import RETURN_URLS, RULES
from oauth.resources.return_urls import add_url, listed_urls, remove_url


class Command(ReportingCommand):
    """The rules that were named are in force, the others are what they were."""

    help = "Show the rules of a resource, or change those that are named."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which resource, and what it demands."""
        super().add_arguments(parser)
        parser.add_argument("slug", help="short name of the resource")
        add_rules(parser)
        parser.add_argument(
            "--reset",
            action="append",
            default=[],
            choices=tuple(RULES),
            help="a rule to take away; may be repeated",
        )
        for name, text in (("allow", "allowed from now on"), ("forbid", "allowed no longer")):
            parser.add_argument(
                f"--{name}-return-url",
                action="append",
                default=[],
                metavar="URL",
                help=f"after connecting an account, an address that is {text}; may be repeated",
            )

    def handle(self, *, slug: str, reset: list[str], **options: Any) -> None:
        """The rules are printed.

        Raises: CommandError with everything that is wrong.
        """
        named = named_rules(options)
        twice = sorted(set(reset) & set(named))
        if twice:
            raise CommandError(f"set and reset at once: {', '.join(twice)}")
        try:
            with transaction.atomic():
                rules = change_rules(
                    slug, named | dict.fromkeys(reset), actor=command_actor()
                ) | _return_urls(options, slug)
        except ResourceError as error:
            raise CommandError(str(error)) from error
        self.report({"slug": slug, **rules}, title="resource policy", as_json=options["json"])


def _return_urls(options: dict[str, Any], slug: str) -> dict[str, Any]:
    """The list after the changes that were named; nothing of it for what is not brokered.

    Raises: ResourceError.
    """
    for url in options["allow_return_url"]:
        add_url(slug, url=url, actor=command_actor())
    for url in options["forbid_return_url"]:
        remove_url(slug, url=url, actor=command_actor())
    try:
        return {RETURN_URLS: listed_urls(slug)}
    except BadResource:
        return {}
