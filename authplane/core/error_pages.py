"""What people see when a request fails before any page of ours could answer it."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError

from authplane.core.pages import error_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

MESSAGES: dict[int, tuple[str, str]] = {
    400: ("This request cannot be read", "Go back and try again from the application."),
    403: ("This is not for you", "Sign in with another account, or ask the operator for access."),
    404: ("This page does not exist", "Check the address, or start again from the application."),
    405: ("This page cannot be used like that", "Start again from the application."),
    413: ("This form is too large", "Go back and send less."),
    429: ("Too many requests", "Wait a moment, then reload the page."),
    500: ("Something went wrong on our side", "Nothing was changed. Try again in a moment."),
    503: ("The service is briefly unavailable", "Try again in a moment."),
}


def page_for_status(
    request: HttpRequest,  # noqa: ARG001 - every refusal is made from its request
    *,
    status: int,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The page for ``status``. It needs no session and no database."""
    title, message = MESSAGES.get(status, (HTTPStatus(status).phrase, "Try again in a moment."))
    return error_page(status=status, title=title, message=message, headers=headers)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler of requests it refuses: a foreign Host, too many fields, a too large body.

    A too large body is 413, as it is on machine routes.
    """
    too_large = type(exception).__name__ == "RequestDataTooBig"
    return page_for_status(request, status=413 if too_large else 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's
    """Django's handler of ``PermissionDenied``."""
    return page_for_status(request, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's
    """Django's handler of unknown routes."""
    return page_for_status(request, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler of unexpected exceptions; a database that is away is a matter of time."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return page_for_status(request, status=503, headers={"Retry-After": "1"})
    return page_for_status(request, status=500)
