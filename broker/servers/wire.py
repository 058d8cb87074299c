"""JSON routes of the browser's own site: who may call them, how bodies are read and refusals told.

They rely on the session's cookie, which browsers send along whoever makes the request. What
changes anything therefore has to be JSON and to say that it comes from this very site.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from authplane.accounts.models import User
from authplane.core.dispatch import refusal
from authplane.core.forms import BadBody, read_json_object
from authplane.core.http import JSON, error_response
from authplane.core.ids import id_or_none
from authplane.core.routes import DEFAULT_BODY
from broker.connections.views import is_same_origin
from broker.servers.errors import ForeignServer, NoSuchServer
from oauth.sessions.services import signed_in

SAFE: Final = frozenset({"GET", "HEAD"})

View = Callable[..., HttpResponse]


class Refused(Exception):
    """The request is refused; what the caller learns of it."""

    def __init__(
        self,
        status: int,
        error: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(error)
        self.status, self.error, self.message = status, error, message
        self.headers, self.details = headers, details


def json_route(**views: View) -> View:
    """A view that answers these methods in JSON, refusals and failures included.

    Each is called with the request, and the path's members by name.
    """
    allowed = sorted({*views, *({"HEAD"} if "GET" in views else ())})

    def wrong_method(request: HttpRequest, **_: Any) -> HttpResponse:
        text = f"Method not allowed. Use {' or '.join(views)}."
        headers = {"Allow": ", ".join(allowed)}
        return refuse(request, Refused(405, "invalid_request", text, headers=headers))

    def answer(request: HttpRequest, **path: Any) -> HttpResponse:
        method = "GET" if request.method == "HEAD" else request.method
        try:
            view: View = views.get(method or "", wrong_method)
            response = view(request, **path)
        except Refused as refused:
            response = refuse(request, refused)
        except BadBody as bad:
            response = refuse(request, Refused(bad.status, "invalid_request", bad.description))
        except Exception as error:  # noqa: BLE001 - told to the log, and to the caller that it is
            response = refusal(request, error)
        patch_vary_headers(response, ("Cookie",))
        return response

    # What Django's guard would look for is not in JSON; `user_of` does its work.
    exempt: View = csrf_exempt(answer)
    return exempt


def refuse(request: HttpRequest, refused: Refused) -> HttpResponse:
    """The one error body, with `message` and `details`."""
    return error_response(
        request,
        error=refused.error,
        description=refused.message,
        status=refused.status,
        headers=refused.headers,
        message=refused.message,
        details=refused.details,
    )


def require_own_site(request: HttpRequest) -> None:
    """The request was made by this site. Raises: Refused for one that another site may have made.

    A form of another site can send neither this content type nor, unasked, this origin.
    """
    if request.method in SAFE:
        return
    if request.content_type != JSON or not is_same_origin(request):
        raise Refused(
            403, "access_denied", "needs Content-Type application/json and a same-origin request"
        )


def user_of(request: HttpRequest) -> User:
    """Who is signed in. Raises: Refused when nobody is, or another site may have asked."""
    session = signed_in(request)
    if session is None:
        raise Refused(401, "unauthorized", "sign in first", headers={"WWW-Authenticate": "Bearer"})
    require_own_site(request)
    return session.user


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that was sent. Raises: BadBody."""
    return read_json_object(request, limit=DEFAULT_BODY)


def known_members(body: Mapping[str, Any], *names: str) -> None:
    """The body has no other members. Raises: Refused."""
    if unknown := sorted(set(body) - set(names)):
        raise Refused(
            400, "invalid_request", f"the body may hold: {', '.join(names)}", unknown=len(unknown)
        )


def read_id(value: object, *, name: str) -> uuid.UUID:
    """The id. Raises: Refused with 400 for what is none."""
    found = id_or_none(value)
    if found is None:
        raise Refused(400, "invalid_request", f"{name} must be a UUID")
    return found


def refused_server(error: NoSuchServer | ForeignServer, *, is_told: bool = True) -> Refused:
    """404 for what is unknown, 403 for what is somebody else's, as far as that ``is_told``."""
    if isinstance(error, ForeignServer) and is_told:
        return Refused(403, "access_denied", "the server belongs to another user")
    return Refused(404, "not_found", "no such server")
