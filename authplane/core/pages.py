"""Browser pages: one way to render them, with the headers that make them safe to show.

No page carries script or inline style, none can be framed, cached or sent to another site's form.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.csrf import csrf_exempt

from authplane.core import logging
from authplane.core.config import config

View = Callable[[HttpRequest], HttpResponse]

_HOST: Final = re.compile(r"[a-z0-9.-]+", re.IGNORECASE)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)


def render_page(
    template: str,
    context: dict[str, Any] | None = None,
    *,
    status: int = 200,
    answers_to: str = "",
) -> HttpResponse:
    """A page of this server. `answers_to` is the URI a form on it may end up at, besides ourselves.

    The server is named by its configured issuer, never by the Host header, which the caller wrote.
    """
    host = urlsplit(config().server.issuer).netloc
    response = HttpResponse(
        render_to_string(template, {"server_host": host, **(context or {})}), status=status
    )
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = content_security_policy(answers_to=answers_to)
    response["X-Frame-Options"] = "DENY"
    response["X-Content-Type-Options"] = "nosniff"
    # With no-referrer browsers send "Origin: null", which no origin check can tell from an attack.
    response["Referrer-Policy"] = "same-origin"
    keep_opener(response)
    return response


def error_page(
    *,
    status: int,
    title: str,
    message: str,
    steps: Sequence[str] = (),
    cause: str = "",
    back: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A page that says what happened and what to do. `back` is a path of ours and its label.

    Everything but the request id is a constant of ours: nothing that the caller sent is shown.
    """
    back_url, back_label = back or ("", "")
    context = {
        "title": title,
        "message": message,
        "steps": steps,
        "cause": cause,
        "back_url": back_url,
        "back_label": back_label,
        "request_id": logging.request_id(),
    }
    response = render_page("error.html", context, status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def keep_opener(response: HttpResponse) -> None:
    """A client that opened this server in a pop-up window still hears from it afterwards.

    Browser clients wait for `window.opener` in their callback page. Any other opener policy on the
    way there cuts that tie for good.
    """
    response["Cross-Origin-Opener-Policy"] = "unsafe-none"


def page_view(*methods: str) -> Callable[[View], View]:
    """The view answers these methods, refuses others with a page, and does its own CSRF check."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            if request.method in methods:
                return view(request)
            return error_page(
                status=405,
                title="This page cannot be used like that",
                message="It was opened in a way it is not made for.",
                steps=("Start again from the application, or from your account page.",),
                back=("/account", "Your account"),
                headers={"Allow": ", ".join(methods)},
            )

        return csrf_exempt(guarded)

    return decorate


def content_security_policy(*, answers_to: str = "") -> str:
    """The policy of a page whose form may be redirected to `answers_to` after the post.

    Chromium applies form-action to every redirect that follows a form's submission, so the origin
    of that one client has to be named, and no other.
    """
    target = form_target(answers_to) if answers_to else ""
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self'{' ' + target if target else ''}"
    )


def form_target(uri: str) -> str:
    """The CSP source that covers `uri`: its origin, or its scheme where no origin can be written.

    The grammar of sources knows neither private-use schemes with a host nor IPv6 literals, and a
    source that does not parse is ignored. Characters that could end the directive are refused.
    """
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if not _SCHEME.fullmatch(parts.scheme):
        return ""
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return f"{parts.scheme}:"
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{host}{port}"


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's
    """Django's CSRF guard, which protects the operator console, refused a post."""
    return error_page(
        status=403,
        title="This form is no longer valid",
        message="It was open for too long, or cookies are switched off for this site.",
        steps=("Go back, reload the page and send the form again.",),
    )
