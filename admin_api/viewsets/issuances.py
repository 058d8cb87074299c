"""`/admin/issuances`: the evidence of every token: for whom, through whom, on whose consent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, NotFound
from admin_api.operations import operation
from admin_api.pagination import Page, part_of
from admin_api.routes import OperatorRoutes, known_parameters
from admin_api.viewsets.tokens import token_id
from authplane.core import clock
from authplane.core.clock import as_text
from authplane.core.http import json_response
from oauth.tokens import administration
from oauth.tokens.issued import issued_tokens, shown_issuances

DEFAULT_LIMIT: Final = 500
MAX_LIMIT: Final = 5000
SELECTORS: Final = ("user", "client", "resource", "jti")
LOOKBACK: Final = timedelta(hours=24)
LONGEST_LOOKBACK: Final = timedelta(days=30)
NEVER: Final = "0001-01-01T00:00:00Z"
"""What a search by `jti` says instead of `since`, as callers of AuthPlane expect."""


class Issuances(OperatorRoutes):
    """The ledger of tokens, vended ones included."""

    @operation(query=(*SELECTORS, "since"), answers="Issuance", listed="issuances")
    def list(self, request: Request) -> HttpResponse:
        """Tokens of one user, client or resource since a moment, or the one with this `jti`."""
        known_parameters(request, *SELECTORS, "since")
        wanted = {name: request.GET.get(name, "") for name in SELECTORS}
        if not any(wanted.values()):
            raise Invalid(f"the query must name one of: {', '.join(SELECTORS)}")
        page = Page.of(request, default=DEFAULT_LIMIT, is_strict=True, highest=MAX_LIMIT)
        since = _since(request.GET.get("since", ""), now=clock.now())
        only = None if wanted["jti"] else since
        found, tail = part_of(issued_tokens(**wanted, since=only), page=page)
        return json_response(
            {
                "issuances": shown_issuances(found, now=clock.now()),
                "since": as_text(only) if only else NEVER,
                "count": len(found),
                **tail,
            }
        )

    @operation(answers="Issuance")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One token of the ledger."""
        rows = list(issued_tokens(jti=str(token_id(key))))
        if not rows:
            raise NotFound("issuance not found")
        return json_response(shown_issuances(rows, now=clock.now())[0])

    @operation(status=204, events=("issuance.revoked_admin",))
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The token ends, and what was exchanged from it. Ended before: 204 all the same."""
        try:
            administration.end_issuance(token_id(key), now=clock.now(), actor=self.actor(request))
        except administration.TokenUnknown:
            raise NotFound("issuance not found") from None
        except administration.NotRevocable as error:
            raise Conflict(str(error)) from None
        return HttpResponse(status=204)


def _since(text: str, *, now: datetime) -> datetime:
    """A day ago unless the query says otherwise.

    Raises: Invalid.
    """
    if not text:
        return now - LOOKBACK
    since = _moment(text)
    if since is None:
        raise Invalid("since must be a moment as RFC 3339 writes it, with its offset")
    if since < now - LONGEST_LOOKBACK:
        raise Invalid("since must not be more than 30 days ago")
    return since


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo and "T" in text.upper() else None
    except (ValueError, OverflowError):
        return None
