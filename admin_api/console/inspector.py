"""`/console/inspect/`: what a token says and what it is worth."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from admin_api.console.inspecting import NotAToken, inspect
from authplane.core import clock
from authplane.core.console_pages import console_page, shown


@console_page(
    "inspect/", name="inspect", title="Inspect a token", needs=("oauth.view_accesstoken",)
)
@require_http_methods(["GET", "HEAD", "POST"])
def inspector(request: HttpRequest) -> HttpResponse:
    """The form, and above it what was found.

    A token in the query is ignored: it would be kept in histories and logs on its way here.
    """
    if request.method == "POST":
        return inspected(request, request.POST.get("token", ""))
    return shown(request, "console/inspect.html")


def inspected(request: HttpRequest, token: str) -> HttpResponse:
    """The page about this token. It is not repeated on it."""
    try:
        found = inspect(token, now=clock.now())
    except NotAToken as problem:
        context = {"title": "Inspect a token", "problem": str(problem)}
        return shown(request, "console/inspect.html", context, status=400)
    return shown(request, "console/inspect.html", {"title": "Inspect a token", "found": found})
