"""What every machine route of a proxy begins with: the proxy is there, and answers at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authplane.core.http import error_response
from authplane.core.windows import take_of_address
from broker.proxies.selectors import Proxy, proxy_by_id
from oauth.errors import WIRE, Reason

PASSTHROUGH: Final = "passthrough_not_allowed"
PASSTHROUGH_TEXT: Final = "this proxy hands no tokens of its own out"
_P = ParamSpec("_P")
View = Callable[Concatenate[HttpRequest, Proxy, _P], HttpResponse]


def machine(view: Callable[[HttpRequest, Proxy], HttpResponse]) -> Callable[..., HttpResponse]:
    """The view gets the proxy of the route; 404 without one, 400 where it makes no tokens."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest, proxy_id: int) -> HttpResponse:
        proxy = proxy_by_id(proxy_id)
        if proxy is None:
            return unknown(request)
        return view(request, proxy) if proxy.is_gateway else passthrough(request)

    return answer


def unknown(request: HttpRequest) -> HttpResponse:
    """404: no such proxy, or one that is switched off."""
    return error_response(request, error="not_found", description="not found", status=404)


def passthrough(request: HttpRequest) -> HttpResponse:
    """400: in this mode clients get their tokens from the server that makes them."""
    return error_response(request, error=PASSTHROUGH, description=PASSTHROUGH_TEXT, status=400)


def refuse_beyond(
    request: HttpRequest, route: str, *, limit: int, reason: Reason = Reason.RATE_LIMITED
) -> HttpResponse | None:
    """None while the address is within ``limit`` requests a minute on the route, else 429."""
    verdict = take_of_address(request, route, limit=limit)
    if verdict.allowed:
        return None
    wire = WIRE[reason]
    return error_response(
        request,
        error=wire.error,
        description=wire.description,
        status=429,
        headers=verdict.headers(),
        retryAfter=verdict.retry_after,
    )
