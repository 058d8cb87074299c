"""Machine requests go straight to their view; whatever a view raises becomes our error body."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.http.request import UnreadablePostError
from django.urls import get_resolver

from authplane.core.error_pages import page_for_status
from authplane.core.forms import BadBody
from authplane.core.http import error_response, prefers_html

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.urls import ResolverMatch

log = logging.getLogger(__name__)

NO_CONTENT = 204

_literal_routes: dict[tuple[object, str], ResolverMatch] = {}
"""Resolved routes without parameters. There are as many as in the URLconf, whatever is asked."""


def answer_machine(request: HttpRequest) -> HttpResponseBase:
    """The view's response, or the error body for what it raised, with its length."""
    response = _answer(request)
    if not response.streaming and response.status_code != NO_CONTENT:
        response.headers["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
    return response


def _answer(request: HttpRequest) -> HttpResponseBase:
    try:
        match = resolve(request.path_info)
        request.resolver_match = match
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        if hasattr(response, "render"):
            response = response.render()
    except Exception as error:  # noqa: BLE001 - the one place that answers an unknown failure
        return refusal(request, error)
    return response


REFUSALS: tuple[tuple[tuple[type[Exception], ...], str, str, int], ...] = (
    ((RequestDataTooBig,), "invalid_request", "the request body is too large", 413),
    ((PermissionDenied,), "access_denied", "access denied", 403),
    (
        (SuspiciousOperation, UnreadablePostError),
        "invalid_request",
        "the request cannot be read",
        400,
    ),
)
"""Exceptions of Django that say what is wrong with the request, the special ones first."""


def refusal(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer to what a view raised; an unexpected failure is told to the log only."""
    if isinstance(error, Http404):
        return not_found(request)
    if isinstance(error, BadBody):
        return error_response(
            request, error="invalid_request", description=error.description, status=error.status
        )
    for kinds, code, description, status in REFUSALS:
        if isinstance(error, kinds):
            return error_response(request, error=code, description=description, status=status)
    if isinstance(error, OperationalError | InterfaceError):
        return unavailable(request, error)
    return server_error(request, error)


def resolve(path: str) -> ResolverMatch:
    """The view of ``path``.

    Raises: Http404.
    """
    urlconf = settings.ROOT_URLCONF
    known = _literal_routes.get((urlconf, path))
    if known is not None:
        return known
    match = get_resolver(urlconf).resolve(path)
    if not match.args and not match.kwargs:
        _literal_routes[urlconf, path] = match
    return match


def not_found(request: HttpRequest) -> HttpResponse:
    """404, as a page for people who mistyped an address."""
    if request.method == "GET" and prefers_html(request.META.get("HTTP_ACCEPT", "")):
        return page_for_status(request, status=404)
    return error_response(
        request, error="not_found", description="there is nothing at this address", status=404
    )


def unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    """503: the database is away or too busy; the same request may succeed in a moment."""
    got_request_exception.send(sender=None, request=request)
    log.error("database unavailable", extra={"cause": type(error).__name__}, exc_info=error)
    return error_response(
        request,
        error="temporarily_unavailable",
        description="the server cannot answer right now",
        status=503,
        headers={"Retry-After": "1"},
    )


def server_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """500. The log has the exception, the caller the id under which to find it there."""
    got_request_exception.send(sender=None, request=request)
    log.error("unexpected failure", exc_info=error)
    return error_response(request, error="server_error", description="internal error", status=500)
