"""Who may call machine routes from a web page of another origin. Never with credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers

from authplane.core.config import config

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

EXPOSED = "DPoP-Nonce, WWW-Authenticate, Retry-After"
ALLOWED_HEADERS = "Content-Type, Authorization, DPoP, MCP-Protocol-Version"
ALLOWED_METHODS = "GET, POST, OPTIONS"
MANAGED_METHODS = "GET, POST, PUT, DELETE, OPTIONS"
DAY = "86400"


def allow_origin(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether a page at the request's origin may read ``response``; its headers then say so."""
    allowed = config().server.allowed_origins
    if "*" in allowed:
        # The same for everybody, with or without an Origin, so that shared caches stay correct.
        response.headers["Access-Control-Allow-Origin"] = "*"
    else:
        patch_vary_headers(response, ("Origin",))
        origin = request.META.get("HTTP_ORIGIN", "")
        if origin not in allowed:
            return False
        response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    return True


def is_preflight(request: HttpRequest) -> bool:
    """Whether the browser asks before it sends the request proper."""
    return request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META


def answer_preflight(request: HttpRequest) -> HttpResponse:
    """204, with the permissions if the origin has them."""
    response = HttpResponse(status=204)
    if allow_origin(request, response):
        managed = "/register/" in request.path_info
        response.headers["Access-Control-Allow-Methods"] = (
            MANAGED_METHODS if managed else ALLOWED_METHODS
        )
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = DAY
        del response.headers["Access-Control-Expose-Headers"]
    del response.headers["Content-Type"]
    return response
