"""``/metrics`` of the operator listener, for those who know its password."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from django.http import HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST

from authplane.core import metrics
from authplane.core.config import config
from authplane.core.hashing import constant_time_equals
from authplane.core.http import error_response

if TYPE_CHECKING:
    from django.http import HttpRequest


def metrics_view(request: HttpRequest) -> HttpResponse:
    """All metrics, or 401 without the configured name and password.

    Nothing configured means nobody: metrics tell an attacker which attempts succeed.
    """
    if not _authorized(request.META.get("HTTP_AUTHORIZATION", "")):
        return error_response(
            request,
            error="unauthorized",
            description="metrics need a user and password",
            status=401,
            headers={"WWW-Authenticate": 'Basic realm="metrics", charset="UTF-8"'},
        )
    if request.method not in {"GET", "HEAD"}:
        return error_response(
            request,
            error="invalid_request",
            description="the request method is not supported",
            status=405,
            headers={"Allow": "GET, HEAD"},
        )
    response = HttpResponse(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)
    response.headers["Cache-Control"] = "no-store"
    return response


def _authorized(header: str) -> bool:
    """Whether the header carries exactly the configured credentials.

    Spec: RFC 7617 section 2.
    """
    expected = config().metrics
    if not expected.username or not expected.password:
        return False
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return constant_time_equals(decoded, f"{expected.username}:{expected.password}")
