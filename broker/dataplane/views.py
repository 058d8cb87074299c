"""`/proxy/{slug}/authz`: what nginx, Envoy and Traefik ask before they forward a request."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse

from authplane.core import clock
from authplane.core.config import config
from authplane.core.hashing import constant_time_equals
from authplane.core.metrics import counter
from broker.dataplane import refusals
from broker.dataplane.callers import caller_of
from broker.dataplane.credential import credential_for
from broker.dataplane.evidence import note
from broker.proxies.selectors import Proxy, proxy_by_slug

KEY_HEADER: Final = "HTTP_X_FORWARD_AUTH_KEY"


def authz(request: HttpRequest, slug: str) -> HttpResponse:
    """200 with the upstream credential in a header, for the proxy server and nobody else.

    Without the key of the data plane nothing is there: whoever holds a token of the proxy would
    otherwise fetch the very credential that it exists to keep from him.
    """
    _require_key(request)
    proxy = proxy_by_slug(slug)
    if proxy is None or not proxy.is_gateway:
        raise Http404
    now = clock.now()
    try:
        caller = caller_of(request.META, proxy=proxy, now=now)
        credential = credential_for(caller, proxy=proxy, now=now)
    except refusals.Refusal as refusal:
        _count(proxy, refusal.outcome)
        return refusals.answer(request, refusal, proxy=proxy)
    note(
        caller,
        credential.token,
        connection_id=credential.connection_id,
        provider=credential.provider,
        proxy=proxy,
        now=now,
    )
    _count(proxy, "allowed")
    response = HttpResponse(status=200)
    del response.headers["Content-Type"]
    response.headers["Cache-Control"] = "no-store"
    response.headers[credential.header] = credential.value
    response.headers["X-Authplane-User"] = str(caller.user_id)
    response.headers["X-Authplane-Client"] = caller.client
    response.headers["X-Authplane-Scope"] = " ".join(caller.scopes)
    return response


def _require_key(request: HttpRequest) -> None:
    """Raises: Http404, as for an address that does not exist."""
    expected = config().forward_auth.key
    presented: str = request.META.get(KEY_HEADER, "")
    if not expected or not constant_time_equals(presented, expected):
        raise Http404


def _count(proxy: Proxy, outcome: str) -> None:
    counter("authplane_forward_auth_total").labels(proxy.slug, outcome).inc()
