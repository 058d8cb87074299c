"""The WSGI application: Django's own, with a short way for the answers of machine routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.handlers.wsgi import WSGIHandler, get_path_info
from django.http import HttpResponse

from authplane.core import lifecycle
from authplane.core.routes import machine_route

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment


class Handler(WSGIHandler):
    """Every request passes the gate; only pages pass Django's signals and per-request state.

    What the short way leaves out is the URLconf and script prefix of this one request, which no
    machine route sets, the log of queries, which only DEBUG keeps, and closing caches, of which the
    only one lives in this process. A server below a path prefix takes the long way for everything.
    """

    def __call__(  # type: ignore[override]
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """The answer's body, after its status and headers were handed over."""
        if environ.get("SCRIPT_NAME") or not machine_route(get_path_info(environ)):
            return super().__call__(environ, start_response)
        lifecycle.begin(environ)
        try:
            request = self.request_class(environ)
            response = self._middleware_chain(request)  # type: ignore[attr-defined]
            body = _body_of(response)
            request.close()
        finally:
            lifecycle.end()
        headers = list(response.items())
        headers += [("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return body


def _body_of(response: HttpResponse) -> Iterable[bytes]:
    """The whole body; a streaming response itself, which the server reads and closes."""
    return response if response.streaming else (response.content,)
