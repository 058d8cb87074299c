"""GET /docs/errors: what each error code means. The `type` member of every error points here."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from authplane.core.pages import render_page
from oauth.error_reference import entries


@require_safe
def error_reference(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - the page is the same for all
    """One section per code, with the code as its anchor."""
    response = render_page("docs/errors.html", {"entries": entries()})
    response["Cache-Control"] = "public, max-age=3600"
    return response
