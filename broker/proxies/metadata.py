"""Well-known documents of proxies, at the places that RFC 8414 and RFC 9728 name.

Each view answers for proxies and hands every other request to this server's own.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.http import Http404, HttpRequest, HttpResponse

from authplane.core.config import config
from broker.proxies.registration import METHODS
from broker.proxies.selectors import ROOT, Proxy, proxies, proxy_by_id, proxy_by_slug
from oauth.metadata import views as own
from oauth.metadata.documents import protected_resource_document
from oauth.metadata.published import authority, encoded, publication, reference_of

PARAMETER: Final = "proxy_id"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}")


def authorization_server(request: HttpRequest, tail: str = "") -> HttpResponse:
    """Metadata of the proxy that the path or `proxy_id` names; without either, this server's.

    Spec: RFC 8414 section 3.1; OpenID Connect Discovery 1.0 section 4.
    """
    number = _number_in(tail) if tail else request.GET.get(PARAMETER)
    if number is None:
        return own.authorization_server(request, tail)
    proxy = _proxy(number)
    if not proxy.is_gateway:
        if tail:
            # Another issuer's place: this server's own document must not be found there.
            raise Http404
        return own.authorization_server(request)
    return _answer(request, server_document(proxy))


def protected_resource(request: HttpRequest, reference: str = "") -> HttpResponse:
    """Metadata of a proxy's resource, by its path, its proxy's slug or `proxy_id`; or another's.

    Spec: RFC 9728 section 3.
    """
    if PARAMETER in request.GET:
        proxy: Proxy | None = _proxy(request.GET[PARAMETER])
    else:
        proxy = _proxy_behind(request, reference.removesuffix("/"))
    if proxy is None or not proxy.is_gateway:
        return own.protected_resource(request, reference)
    return _answer(request, protected_resource_document(proxy.view, issuer=proxy.issuer))


def server_document(proxy: Proxy) -> dict[str, Any]:
    """What clients of the proxy need to know; absent rather than empty members.

    Spec: RFC 8414 section 2; RFC 9207 section 3.
    """
    issuer = proxy.issuer
    document: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "registration_endpoint": f"{issuer}/register",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "jwks_uri": f"{issuer}/jwks.json",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint_auth_methods_supported": list(METHODS[1:]),
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": list(proxy.scopes),
        "resource_indicators_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }
    said = {name: value for name, value in document.items() if value}
    return said | {"request_uri_parameter_supported": False}


def _proxy(number: str) -> Proxy:
    """Raises: Http404."""
    proxy = proxy_by_id(int(number)) if _NUMBER.fullmatch(number) else None
    if proxy is None:
        raise Http404
    return proxy


def _number_in(tail: str) -> str | None:
    """The id in the path of a proxy's issuer, our own issuer's path before it; None in others."""
    prefix = f"{unquote(urlsplit(config().server.issuer).path).strip('/')}{ROOT}/".lstrip("/")
    return tail.removeprefix(prefix) if tail.startswith(prefix) else None


def _proxy_behind(request: HttpRequest, reference: str) -> Proxy | None:
    """The proxy whose resource the reference leads to.

    The host that was asked comes first; a registered resource at the same place goes before
    proxies on other hosts.
    """
    query = request.META.get("QUERY_STRING", "")
    host = request.META.get("HTTP_HOST", "").lower().removesuffix(":443").removesuffix(":80")
    wanted = {f"{reference}?{query}", reference} if query else {reference}
    there = [proxy for proxy in proxies() if reference_of(proxy.resource) in wanted]
    exact = next((one for one in there if authority(one.resource) == host), None)
    if exact is not None:
        return exact
    if publication().protected_resource(reference, query=query, host=host) is not None:
        return None
    return there[0] if len(there) == 1 else proxy_by_slug(reference)


def _answer(request: HttpRequest, document: dict[str, Any]) -> HttpResponse:
    if request.method not in own.READING:
        return own.reading_only(request)
    return own.answer(request, encoded(document), max_age=own.METADATA_MAX_AGE)
