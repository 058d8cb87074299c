"""The gate: what every request passes, and where machine requests turn off before the page stack.

Session, CSRF, users and messages cost more than the whole work of a trivial machine route, and a
machine route has no business with any of them.
"""

from __future__ import annotations

import logging as std_logging
import re
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpResponse

from authplane.core import budgets, cors, logging, metrics, ratelimit
from authplane.core.config import config
from authplane.core.dispatch import answer_machine
from authplane.core.error_pages import page_for_status
from authplane.core.hardening import harden_machine, harden_page
from authplane.core.hashing import new_secret
from authplane.core.http import error_response, prefers_html
from authplane.core.network import client_address, network_key
from authplane.core.routes import (
    DATA_PLANE,
    METHODS,
    PROGRAMS,
    TOKEN_ENDPOINTS,
    body_limit,
    cross_origin_route,
    declared_length,
    machine_route,
    operator_route,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

access_log = std_logging.getLogger("authplane.access")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
UNLIMITED = "/livez"
FIRST_ERROR = 400


class Gate:
    """The outermost middleware."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.answer_page = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, hardened, counted and written to the access log."""
        started = time.perf_counter()
        path = request.path_info
        machine = machine_route(path)
        request_id = _request_id(request)
        request.request_id = request_id  # type: ignore[attr-defined]
        context = logging.begin(request_id)
        try:
            response: HttpResponseBase | None = admit(request, path=path, machine=machine)
            shared = machine and not settings.OPERATOR and cross_origin_route(path)
            if response is None and shared and cors.is_preflight(request):
                response = cors.answer_preflight(request)
            elif response is None:
                response = answer_machine(request) if machine else self.answer_page(request)
            if shared and "Access-Control-Allow-Origin" not in response.headers:
                cors.allow_origin(request, response)
            if machine and not response.headers.get("Content-Type", "").startswith("text/html"):
                harden_machine(response)
            else:
                harden_page(response, path=path)
            response.headers["X-Request-Id"] = request_id
            if request.method == "HEAD" and isinstance(response, HttpResponse):
                response.content = b""
            # Django would write a line of its own for every refusal.
            response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
            _record(request, response, machine=machine, seconds=time.perf_counter() - started)
            return response
        finally:
            logging.end(context)


def admit(request: HttpRequest, *, path: str, machine: bool) -> HttpResponse | None:
    """None when the request may proceed, else its refusal: method, length, budget of the caller."""
    if request.method not in METHODS:
        return _refuse(
            request, machine=machine, error="invalid_request", status=405,
            description="the request method is not supported",
            headers={"Allow": ", ".join(sorted(METHODS))},
        )  # fmt: skip
    if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
        # The application would see an empty body and answer a question that was not asked.
        return _refuse(
            request, machine=machine, error="invalid_request", status=411,
            description="the request must declare its length",
        )  # fmt: skip
    length = declared_length(request.META)
    if length is None:
        return _refuse(
            request, machine=machine, error="invalid_request", status=400,
            description="the request has no valid length",
        )  # fmt: skip
    if length > body_limit(path):
        return _refuse(
            request, machine=machine, error="invalid_request", status=413,
            description="the request body is too large",
        )  # fmt: skip
    return _within_budget(request, path=path, machine=machine)


def _within_budget(request: HttpRequest, *, path: str, machine: bool) -> HttpResponse | None:
    present = config()
    operator = settings.OPERATOR or operator_route(path)
    if operator:
        scope, rate, burst = "operator", present.admin.rps, present.admin.burst
        enabled = rate > 0 and burst > 0
    else:
        scope, rate, burst = "public", present.rate_limit.rps, present.rate_limit.burst
        enabled = present.rate_limit.enabled
        if enabled and budgets.chosen():
            rate = budgets.value("requests_per_second", rate)
            burst = budgets.value("request_burst", burst)
    if not enabled or path == UNLIMITED or (settings.OPERATOR and path.startswith(DATA_PLANE)):
        # The data plane is asked about every request of everybody, from one address.
        return None
    verdict = ratelimit.take(scope, network_key(client_address(request)), rate=rate, burst=burst)
    if verdict.allowed:
        return None
    slow_down = operator or path in TOKEN_ENDPOINTS
    return _refuse(
        request, machine=machine, error="slow_down" if slow_down else "rate_limit_exceeded",
        status=429, description="rate limit exceeded", headers=verdict.headers(),
    )  # fmt: skip


def _refuse(
    request: HttpRequest,
    *,
    machine: bool,
    error: str,
    description: str,
    status: int,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    accept = request.META.get("HTTP_ACCEPT", "")
    if machine or (request.path_info.startswith(PROGRAMS) and not prefers_html(accept)):
        return error_response(
            request, error=error, description=description, status=status, headers=headers
        )
    return page_for_status(request, status=status, headers=headers)


def _request_id(request: HttpRequest) -> str:
    """The id a trusted proxy gave the request, else a new one."""
    given: str = request.META.get("HTTP_X_REQUEST_ID", "")
    if given and config().server.trusted_proxies and REQUEST_ID.fullmatch(given):
        return given
    return new_secret(12)


def _record(
    request: HttpRequest, response: HttpResponseBase, *, machine: bool, seconds: float
) -> None:
    """Metrics and, for pages and refusals, a line in the access log.

    The query is never written: it holds codes, states and tokens. Successful machine requests are
    written at debug level only; what they did is in the audit record.
    """
    match = request.resolver_match
    method = request.method if request.method in METHODS else "OTHER"
    if match is not None:
        route = f"/{match.route}"
    else:
        route = "/static/" if request.path_info.startswith("/static/") else "unmatched"
    status = response.status_code
    metrics.observe_request(method=method or "OTHER", route=route, status=status, seconds=seconds)
    level = std_logging.DEBUG if machine and status < FIRST_ERROR else std_logging.INFO
    if access_log.isEnabledFor(level):
        access_log.log(
            level,
            "%s %s %d", method, ascii(request.path_info[:200])[1:-1], status,
            extra={
                "method": method, "route": route, "status": status,
                "duration_ms": round(seconds * 1000, 2), "address": client_address(request),
            },
        )  # fmt: skip
