"""Pages that another site sends the browser to, where the session cookie is kept from such sites.

With SameSite=Strict the cookie stays behind when a service sends its user back, and whoever is
signed in would seem not to be. A page of ours that leads to the same address makes the next request
one of this site, and the cookie comes along.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from authplane.core.config import config
from authplane.core.pages import render_page
from authplane.core.uris import add_query
from oauth.authorize.responses import see_other

ARRIVED: Final = "arrived"
STRICT: Final = "strict"

View = Callable[..., HttpResponse]


def from_another_site(view: View) -> View:
    """The view, reached by a second request where the first came without the cookie for its site.

    Only once for each address: a browser without any session goes on without one. The answer of
    the service is in the address; nothing of it is looked at, or spent, before the view runs.
    """

    @wraps(view)
    def arriving(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        if _is_cookie_held_back(request):
            return _onward(request)
        return view(request, *args, **named)

    arriving.csrf_exempt = getattr(view, "csrf_exempt", False)  # type: ignore[attr-defined]
    return arriving


def lead_on(path: str) -> HttpResponse:
    """On to a path of this site, of a browser that another site has just sent here.

    A redirect would belong to the other site's request, and a strict cookie would stay behind even
    where this answer has set it: a page of ours asks for the path instead.
    """
    if config().session.same_site == STRICT:
        return render_page("oauth/arrived.html", {"link": path})
    return see_other(path)


def _is_cookie_held_back(request: HttpRequest) -> bool:
    return (
        config().session.same_site == STRICT
        and request.method == "GET"
        and settings.SESSION_COOKIE_NAME not in request.COOKIES
        and ARRIVED not in request.GET
    )


def _onward(request: HttpRequest) -> HttpResponse:
    """A page that leads on by itself, without script, and by a link.

    The address is a path of this host: nothing in it can lead elsewhere.
    """
    here = f"/{request.get_full_path().lstrip('/')}"
    return render_page("oauth/arrived.html", {"link": add_query(here, [(ARRIVED, "1")])})
