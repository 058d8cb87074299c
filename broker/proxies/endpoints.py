"""Machine routes of a proxy: registration, tokens, their end, what they are, and the keys."""

from __future__ import annotations

from functools import partial
from typing import Final

from django.http import HttpRequest, HttpResponse

from authplane.core.forms import JSON, BadBody, read_json_object, require_media_type
from authplane.core.http import error_response, json_response
from authplane.core.metrics import counter
from authplane.core.routes import LARGE_BODY
from broker.proxies.engine import PER_MINUTE, ProxyServer
from broker.proxies.registration import client_information, register_client
from broker.proxies.selectors import Proxy
from broker.proxies.served import machine, refuse_beyond
from oauth.clients.lookup import find_client_of
from oauth.engine.responses import render_refusal
from oauth.errors import OAuthError, Reason
from oauth.metadata.views import jwks as own_jwks
from oauth.registration.schema import BadMetadata
from oauth.views.introspect import answer_introspection
from oauth.views.methods import takes
from oauth.views.revoke import answer_revocation
from oauth.views.token import answer_token

CREATED: Final = 201
_SERVER: Final = ProxyServer()


@machine
def register(request: HttpRequest, proxy: Proxy) -> HttpResponse:
    """A client registers itself. Spec: RFC 7591 section 3."""
    if request.method != "POST":
        return _not_allowed(request)
    if limited := refuse_beyond(request, "proxy-register", limit=PER_MINUTE):
        return limited
    try:
        require_media_type(request, JSON)
        registered = register_client(proxy, read_json_object(request, limit=LARGE_BODY))
    except (BadMetadata, BadBody) as bad:
        counter("oauth_proxy_registrations_total").labels(proxy.slug, "refused").inc()
        if isinstance(bad, BadBody):
            raise
        return _refused(request, bad)
    counter("oauth_proxy_registrations_total").labels(proxy.slug, "registered").inc()
    return json_response(client_information(proxy, registered), status=CREATED)


@machine
def token(request: HttpRequest, proxy: Proxy) -> HttpResponse:
    """Tokens, or a refusal that changed nothing. Spec: RFC 6749 section 3.2."""
    return takes("POST")(partial(_token, proxy=proxy))(request)


@machine
def revoke(request: HttpRequest, proxy: Proxy) -> HttpResponse:
    """A token of this proxy ends. Spec: RFC 7009."""
    find = partial(find_client_of, proxy.key)
    answer = partial(answer_revocation, find_client=find, issuer=proxy.key)
    return takes("POST")(answer)(request)


@machine
def introspect(request: HttpRequest, proxy: Proxy) -> HttpResponse:
    """What a client's own token of this proxy is worth. Spec: RFC 7662."""
    find = partial(find_client_of, proxy.key)
    return takes("POST")(partial(answer_introspection, find_client=find))(request)


@machine
def jwks(request: HttpRequest, proxy: Proxy) -> HttpResponse:  # noqa: ARG001 - one set of keys
    """The public keys, the same for every issuer here: tokens are told apart by `iss` and `aud`."""
    return own_jwks(request)


def _token(request: HttpRequest, *, proxy: Proxy) -> HttpResponse:
    if limited := refuse_beyond(request, "proxy-token", limit=PER_MINUTE):
        return limited
    respond = partial(_SERVER.create_token_response, proxy=proxy)
    return answer_token(request, respond=respond)


def _refused(request: HttpRequest, bad: BadMetadata) -> HttpResponse:
    refusal = OAuthError(bad.reason)
    return error_response(
        request, error=refusal.error, description=bad.description, status=refusal.status_code
    )


def _not_allowed(request: HttpRequest) -> HttpResponse:
    return render_refusal(request, OAuthError(Reason.METHOD_NOT_ALLOWED), headers={"Allow": "POST"})
