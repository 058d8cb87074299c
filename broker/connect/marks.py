"""The mark of a browser: what shows that an answer comes to the browser that began the hop.

A user id is not enough: an attacker may be signed in as somebody else's user elsewhere, and an
answer that is slipped into another browser of the same user belongs to whoever made it.
"""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest, HttpResponse

from authplane.core.config import config
from authplane.core.hashing import new_secret

MAX_AGE: Final = 600
_MARK: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def cookie_name() -> str:
    """With the prefix that keeps other hosts of the domain from planting it, where TLS allows."""
    return "__Host-authserver_connect" if config().session.secure else "authserver_connect"


def mark_of(request: HttpRequest) -> str:
    """The mark that the browser holds; empty without one."""
    held = request.COOKIES.get(cookie_name(), "")
    return held if _MARK.fullmatch(held) else ""


def mark_for(request: HttpRequest) -> str:
    """The mark that the browser holds, so that several tabs work, or a new one."""
    return mark_of(request) or new_secret()


def keep_mark(response: HttpResponse, mark: str) -> None:
    """The browser holds the mark for ten minutes, on this host alone, where no script reads it.

    Lax, because it has to come along when the upstream service sends the browser back.
    """
    response.set_cookie(
        cookie_name(),
        mark,
        max_age=MAX_AGE,
        path="/",
        secure=config().session.secure,
        httponly=True,
        samesite="Lax",
    )
