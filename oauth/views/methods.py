"""Which request methods an endpoint takes."""

from collections.abc import Callable
from functools import wraps
from typing import Final

from django.http import HttpRequest, HttpResponse

from oauth.engine.responses import render_refusal
from oauth.errors import OAuthError, Reason

View = Callable[[HttpRequest], HttpResponse]

_NO_CONTENT: Final = 204


def takes(*methods: str) -> Callable[[View], View]:
    """Requests with other methods are refused with 405; OPTIONS is answered with the list.

    Spec: RFC 9110 sections 9.3.7 and 15.5.6.
    """
    allow = {"Allow": ", ".join([*methods, "OPTIONS"])}

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest) -> HttpResponse:
            if request.method in methods:
                return view(request)
            if request.method == "OPTIONS":
                return _what_is_allowed(allow)
            return render_refusal(request, OAuthError(Reason.METHOD_NOT_ALLOWED), headers=allow)

        return answer

    return decorate


def _what_is_allowed(headers: dict[str, str]) -> HttpResponse:
    response = HttpResponse(status=_NO_CONTENT, headers=headers)
    del response.headers["Content-Type"]
    return response
