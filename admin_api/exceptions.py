"""Whatever a route raises becomes the one error body."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException, MethodNotAllowed, ValidationError

from authplane.accounts.errors import LastOwner
from authplane.core.dispatch import refusal
from authplane.core.http import error_response

_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Refused(APIException):
    """A refusal: HTTP status, error code, text for the operator."""

    def __init__(
        self,
        *,
        status: int,
        error: str,
        text: str,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(text)
        self.status_code = status
        self.error = error
        self.text = text
        self.headers = headers or {}
        self.extra = extra or {}


class NotFound(Refused):
    """404."""

    def __init__(self, text: str) -> None:
        super().__init__(status=404, error="not_found", text=text)


class Conflict(Refused):
    """409; ``extra`` are further members of the body."""

    def __init__(self, text: str, *, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(status=409, error="conflict", text=text, extra=extra)


class Invalid(Refused):
    """400."""

    def __init__(self, text: str) -> None:
        super().__init__(status=400, error="invalid_request", text=text)


def answer(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """The answer to what a route raised; every problem of a body in one text."""
    request: HttpRequest = context["request"]._request  # noqa: SLF001 - DRF keeps it there
    if isinstance(error, ValidationError):
        error = Invalid("; ".join(problems(error.detail)))
    if isinstance(error, LastOwner):
        error = Conflict(str(error))
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(context["view"].allowed_methods)
        error = Refused(
            status=405, error="invalid_request", headers={"Allow": allowed},
            text="the request method is not supported",
        )  # fmt: skip
    if not isinstance(error, Refused):
        return refusal(request, error)
    return error_response(
        request,
        error=error.error,
        description=error.text,
        status=error.status_code,
        headers=error.headers,
        **error.extra,
    )


def problems(detail: Any, *, at: str = "") -> Iterator[str]:
    """What is wrong, one text each, with the place in the body where it is.

    A name that we did not choose is repeated only when it is a plain identifier.
    """
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            known = name if _FIELD_NAME.fullmatch(str(name)) else "a field"
            own = "" if name == "non_field_errors" else f"{at}.{known}" if at else str(known)
            yield from problems(inner, at=own or at)
    elif isinstance(detail, list):
        for entry in detail:
            yield from problems(entry, at=at)
    elif detail:
        text = str(detail).rstrip(".")
        yield f"{at}: {text[0].lower()}{text[1:]}" if at else text
