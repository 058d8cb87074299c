"""The one error body, and JSON that nothing may store."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse

from authplane.core.config import config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

PROBLEM = "application/problem+json"
JSON = "application/json"

encode_json = json.JSONEncoder(separators=(",", ":")).encode
"""A value as JSON text without spaces. One encoder: making one costs as much as a short text."""


def error_response(
    request: HttpRequest,
    *,
    error: str,
    description: str,
    status: int,
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> HttpResponse:
    """A refusal as OAuth clients and problem-details clients both understand it.

    Members that are None are left out.

    Spec: RFC 6749 section 5.2; RFC 9457 section 3.
    """
    body: dict[str, Any] = {
        "error": error,
        "error_description": description,
        "type": error_type(error),
        "title": HTTPStatus(status).phrase,
        "detail": description,
        "status": status,
    }
    body.update((name, value) for name, value in extra.items() if value is not None)
    response = HttpResponse(
        encode_json(body),
        content_type=error_media_type(request.META.get("HTTP_ACCEPT", "")),
        status=status,
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    response.headers["Vary"] = "Accept"
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def json_response(
    data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """``data`` as JSON that no cache may keep, unless ``headers`` say otherwise.

    Spec: RFC 6749 section 5.1.
    """
    # As bytes: of a text, Django looks for the character set in the media type every time.
    response = HttpResponse(encode_json(data).encode(), content_type=JSON, status=status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    if headers:
        for name, value in headers.items():
            response.headers[name] = value
        if "Cache-Control" in headers and "Pragma" not in headers:
            del response.headers["Pragma"]
    return response


def error_type(error: str) -> str:
    """The URI that explains ``error``: an anchor of our own page unless configured otherwise."""
    base = config().oauth.error_type_base
    if not base:
        return f"{config().server.issuer}/docs/errors#{error}"
    return f"{base}{error}" if base.endswith(("/", "#", "=")) else f"{base}#{error}"


def error_media_type(accept: str) -> str:
    """Problem JSON, except for callers that name plain JSON and not problem JSON.

    Strict OAuth clients check for ``application/json``, as RFC 6749 section 5.2 promises them.
    """
    if not accept:
        return PROBLEM
    named = {kind for kind in map(_acceptable, accept.split(",")) if kind}
    return JSON if JSON in named and PROBLEM not in named else PROBLEM


def prefers_html(accept: str) -> bool:
    """Whether a person's browser is asking: only those name ``text/html``."""
    return "text/html" in {_acceptable(entry) for entry in accept.split(",")}


def _acceptable(entry: str) -> str:
    """The media type of one ``Accept`` member; empty when its weight is zero."""
    kind, *parameters = (part.strip().lower() for part in entry.split(";"))
    weight = next((value[2:] for value in parameters if value.startswith("q=")), "1")
    return "" if weight.rstrip("0").rstrip(".") in {"", "0"} and weight != "1" else kind
