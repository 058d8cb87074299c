"""How often the routes may be used: by one user, or by everybody where no user is known."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.http import HttpRequest, HttpResponse

from authplane.core import windows
from authplane.core.network import client_address, network_key
from authplane.core.ratelimit import Verdict
from oauth.sessions.services import signed_in

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE


class Window(NamedTuple):
    """So many requests in so many seconds."""

    route: str
    limit: int
    seconds: int


INITIATE: Final = Window("oauth-initiate", 10, 15 * MINUTE)
CALLBACK: Final = Window("oauth-callback", 10, 15 * MINUTE)
REFRESH: Final = Window("oauth-refresh", 60, MINUTE)
CLEANUP: Final = Window("oauth-cleanup-pkce", 1, MINUTE)
REFRESH_ALL: Final = Window("oauth-refresh-tokens", 10, HOUR)


def take(request: HttpRequest, window: Window) -> Verdict:
    """Count a request of the user who is signed in, or else of the address."""
    session = signed_in(request)
    key = str(session.user.pk) if session else network_key(client_address(request))
    return windows.take(window.route, key, limit=window.limit, seconds=window.seconds)


def refuse_beyond(request: HttpRequest, window: Window) -> HttpResponse | None:
    """None while the user may go on, else 429."""
    verdict = take(request, window)
    return None if verdict.allowed else windows.over_limit(request, verdict)


def refuse_beyond_all(request: HttpRequest, window: Window) -> HttpResponse | None:
    """The same, counting everybody together."""
    verdict = windows.take(window.route, "all", limit=window.limit, seconds=window.seconds)
    return None if verdict.allowed else windows.over_limit(request, verdict)
