"""How many accounts one user may begin, and finish, connecting within a quarter of an hour."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse

from authplane.accounts.models import User
from authplane.core.error_pages import page_for_status
from authplane.core.http import prefers_html
from authplane.core.windows import over_limit, take

BEGIN: Final = "connect"
FINISH: Final = "connect-callback"
HOPS: Final = 10
QUARTER: Final = 900
"""Seconds."""


def refuse_beyond(request: HttpRequest, route: str, *, user: User) -> HttpResponse | None:
    """None while the user may go on, else 429: a page for browsers, JSON for everyone else.

    Nothing was spent: when the window is over, the very same link or answer can be tried again.
    """
    verdict = take(route, str(user.pk), limit=HOPS, seconds=QUARTER)
    if verdict.allowed:
        return None
    if prefers_html(request.headers.get("Accept", "")):
        return page_for_status(request, status=429, headers=verdict.headers())
    return over_limit(request, verdict)
