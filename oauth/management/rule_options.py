"""The options by which commands say what a resource demands of its tokens."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from oauth.resources.policy_body import DPOP, GRANT_TYPES, PROJECTS, RULES, TOKEN_FORMATS


def add_rules(parser: ArgumentParser) -> None:
    """One option for each rule; one that is not said stays as it is."""
    parser.add_argument(
        "--dpop", choices=DPOP, help="whether its tokens are bound to a key of the client"
    )
    parser.add_argument(
        "--grant-type",
        dest="grant_types",
        action="append",
        choices=GRANT_TYPES,
        metavar="GRANT",
        help="a grant by which its tokens can be had; may be repeated, all when never said",
    )
    parser.add_argument(
        "--token-lifetime", type=int, metavar="SECONDS", help="how long its tokens live at most"
    )
    parser.add_argument(
        "--token-format",
        choices=TOKEN_FORMATS,
        help="what its tokens are; opaque ones must be introspected",
    )
    parser.add_argument(
        "--ask-projects",
        dest="consent",
        action="store_const",
        const={PROJECTS: True},
        help="let users choose which of their projects a client may open",
    )


def named_rules(options: dict[str, Any]) -> dict[str, Any]:
    """The rules that were said."""
    return {name: options[name] for name in RULES if options.get(name) is not None}
