"""`/console/search/`: the box at the top of every page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from admin_api.console.finding import find
from admin_api.console.inspecting import looks_like_a_token
from admin_api.console.inspector import inspected
from authplane.core.console_pages import console_page, may, shown


@console_page("search/", name="search", title="Search")
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    """What was found. Terms come by POST only: people paste tokens, and addresses are personal."""
    term = request.POST.get("q", "").strip()
    if looks_like_a_token(term):
        if may(request, "oauth.view_accesstoken"):
            return inspected(request, term)
        term = ""
    return shown(request, "console/search.html", {"searched": term, "groups": find(term, request)})
