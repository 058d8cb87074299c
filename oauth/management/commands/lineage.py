"""`manage.py lineage`: where a token came from, what came of it, and what each is worth now."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.core import clock
from authplane.core.ids import id_or_none
from authplane.core.management.output import ReportingCommand
from oauth.tokens.lineage import MAX_TOKENS, Kin, Line, read_line


class Command(ReportingCommand):
    """Print the tree of tokens that this one stands in."""

    help = "Print what a token came from and what came of it, by its jti."

    def add_arguments(self, parser: CommandParser) -> None:
        """The id of one token."""
        super().add_arguments(parser)
        parser.add_argument("jti", help="The `jti` claim, as in the audit record. Never a token.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """The tree is printed; the token asked about carries a star.

        Raises: CommandError for what is no id, and for an id that the ledger does not hold.
        """
        asked = _id(options["jti"])
        line = read_line(asked, now=clock.now())
        if line is None:
            raise CommandError(
                f"no token with jti {asked} is in the ledger: it was never issued here, or it is "
                "older than AUTHPLANE_TOKENS_LEDGER_RETENTION"
            )
        if options["json"]:
            self.report(_document(line, asked=asked), title="lineage", as_json=True)
            return
        for text in _drawn(line):
            self.stdout.write(text)


def _id(presented: str) -> uuid.UUID:
    """Raises: CommandError. What was given is not repeated: it may be a token."""
    found = id_or_none(presented)
    if found is None:
        raise CommandError("a jti is a UUID, such as the audit record shows")
    return found


def _document(line: Line, *, asked: uuid.UUID) -> dict[str, Any]:
    tokens = [
        {name: _plain(value) for name, value in asdict(token).items() if value not in (None, "")}
        | {"scopes": token.scope.split()}
        for token in line.tokens
    ]
    for token in tokens:
        token.pop("scope", None)
    return {"jti": asked, "is_cut": line.is_cut, "tokens": tokens}


def _plain(value: Any) -> Any:
    return clock.as_text(value) if isinstance(value, datetime) else value


def _drawn(line: Line) -> Iterator[str]:
    top = min((token.level for token in line.tokens), default=0)
    for token in line.tokens:
        depth = token.level - top
        branch = "  " * (depth - 1) + "`- " if depth else ""
        yield f"{branch}{token.jti}{' *' if token.level == 0 else ''}"
        margin = "  " * depth + "   "
        yield f"{margin}{_state(token)}"
        yield f"{margin}{token.kind} by {token.client_id or 'a client that is gone'}{_for(token)}"
        yield f"{margin}{token.resource} [{token.scope}]"
        if more := _more(token):
            yield f"{margin}{more}"
    if line.is_cut:
        yield f"(more than {MAX_TOKENS} tokens; the rest is not shown)"


def _state(token: Kin) -> str:
    until = clock.as_text(token.expires_at)
    if token.state == "ended":
        when = f" at {clock.as_text(token.revoked_at)}" if token.revoked_at else ""
        return f"ended: {token.reason}{when}"
    return f"{token.state} {'until' if token.state == 'active' else 'since'} {until}"


def _for(token: Kin) -> str:
    return f" for {token.subject}" if token.subject != token.client_id else ""


def _more(token: Kin) -> str:
    facts = {
        "actors": " <- ".join(_actors(token.actors)),
        "consent": token.consent_client,
        "jkt": token.dpop_jkt,
        "family": str(token.family_id) if token.family_id else "",
    }
    return " ".join(f"{name}={value}" for name, value in facts.items() if value)


def _actors(chain: Any) -> Iterator[str]:
    """Newest first."""
    while isinstance(chain, dict):
        yield str(chain.get("sub", "?"))
        chain = chain.get("act")
