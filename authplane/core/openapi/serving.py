"""Serving a document: as YAML, as JSON, and as a page on which it can be tried out."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import yaml
from django.http import HttpResponse
from django.urls import path
from django.utils.cache import get_conditional_response

from authplane.core.config import config
from authplane.core.hashing import sha256_hex
from authplane.core.http import error_response
from authplane.core.openapi.system import JSON, YAML
from authplane.core.pages import page_view, render_page

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern

Build = Callable[[str], dict[str, Any]]
"""From the issuer, which may be empty, to its document."""

MAX_AGE: Final = 300
READING: Final = frozenset({"GET", "HEAD"})

# Scripts are files of ours: none is inline, none is evaluated. Images written into its style sheet
# are what the viewer needs beyond other pages; nothing is fetched from or sent to anywhere else.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class _Whole(yaml.CSafeDumper):
    """Repeats what occurs twice: readers of specifications do not follow anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library's signature
        return True


def as_yaml(document: dict[str, Any]) -> str:
    """The document for people and for files."""
    return yaml.dump(document, Dumper=_Whole, sort_keys=False, allow_unicode=True, width=100)


def routes(build: Build, *, title: str, names_issuer: bool) -> list[URLPattern]:
    """The routes of a listener that describes itself with what ``build`` makes of its issuer."""

    @cache
    def written(kind: str, issuer: str) -> tuple[bytes, str]:
        document = build(issuer)
        text = as_yaml(document) if kind == YAML else json.dumps(document, separators=(",", ":"))
        return text.encode(), f'"{sha256_hex(text)[:32]}"'

    def serve(request: HttpRequest, *, kind: str) -> HttpResponseBase:
        if request.method not in READING:
            return _reading_only(request)
        body, tag = written(kind, config().server.issuer if names_issuer else "")
        response = HttpResponse(body, content_type=kind)
        response.headers["ETag"] = tag
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
        answer = get_conditional_response(request, etag=tag, response=response)
        return answer or response

    return [
        path("openapi.yaml", lambda request: serve(request, kind=YAML)),
        path("openapi.json", lambda request: serve(request, kind=JSON)),
        path("docs/api", _page(title), name="api-reference"),
    ]


def _page(title: str) -> Callable[[HttpRequest], HttpResponse]:
    @page_view("GET", "HEAD")
    def reference(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - the same for everybody
        """The document as a page. What is typed there goes to this server alone, unkept."""
        response = render_page("docs/api.html", {"title": title})
        response["Cache-Control"] = f"public, max-age={MAX_AGE}"
        response["Content-Security-Policy"] = POLICY
        return response

    return reference


def _reading_only(request: HttpRequest) -> HttpResponse:
    return error_response(
        request,
        error="invalid_request",
        description="use GET",
        status=405,
        headers={"Allow": "GET, HEAD"},
    )
