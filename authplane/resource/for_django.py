"""Protect Django views: a decorator for each, a view for the metadata."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeAlias

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.encoding import iri_to_uri
from django.views.decorators.csrf import csrf_exempt

from .challenge import answer
from .errors import Refused, Unavailable
from .metadata import document
from .request import Incoming
from .server import ResourceServer

View: TypeAlias = Callable[..., HttpResponse]
ATTRIBUTE: Final = "token"
log = logging.getLogger(__name__)


def protected(
    server: ResourceServer,
    *,
    scopes: tuple[str, ...] = (),
    acr_values: tuple[str, ...] = (),
    max_age: int | None = None,
    certificate: Callable[[HttpRequest], bytes | None] | None = None,
) -> Callable[[View], View]:
    """The view runs with a good token only, which it finds in `request.token`.

    A `Refused` that the view raises is answered with its challenge. Cookies play no part, so
    neither does the check against forged posts.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            shown = certificate(request) if certificate else None
            try:
                token = server.verify(
                    incoming(request, server=server, certificate=shown),
                    scopes=scopes,
                    acr_values=acr_values,
                    max_age=max_age,
                )
                setattr(request, ATTRIBUTE, token)
                response = view(request, *args, **kwargs)
            except (Refused, Unavailable) as refusal:
                return refused(refusal, server=server)
            if token.nonce:
                response["DPoP-Nonce"] = token.nonce
            return response

        exempt: View = csrf_exempt(guarded)
        return exempt

    return decorate


def metadata_view(server: ResourceServer) -> View:
    """The view for the path that `metadata_path(resource)` names.

    Spec: RFC 9728 section 3.2.
    """

    def metadata(request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = JsonResponse(document(server.protection))
        response["Cache-Control"] = "public, max-age=300"
        response["Access-Control-Allow-Origin"] = "*"
        return response

    return metadata


def incoming(
    request: HttpRequest, *, server: ResourceServer, certificate: bytes | None = None
) -> Incoming:
    """The credentials of a Django request, addressed as the configuration says it is called.

    WSGI joins repeated headers with commas, which no token and no proof contains; so several are
    seen as one that is malformed, and refused.
    """
    meta = request.META
    authorization, proof = meta.get("HTTP_AUTHORIZATION"), meta.get("HTTP_DPOP")
    return Incoming(
        method=request.method or "",
        url=server.protection.root_url + iri_to_uri(request.path),
        authorization=(authorization,) if authorization is not None else (),
        proofs=(proof,) if proof is not None else (),
        query=meta.get("QUERY_STRING", ""),
        certificate=certificate,
    )


def refused(refusal: Refused | Unavailable, *, server: ResourceServer) -> HttpResponse:
    """The challenge as a response.

    Django's response holds one header of a name, so the challenges share one, as they may.

    Spec: RFC 9110 section 11.6.1 (several challenges in one field).
    """
    log.info("request refused", extra={"reason": str(refusal)})
    told = answer(refusal, protection=server.protection)
    response = HttpResponse(told.body, status=told.status)
    for name, value in told.headers:
        response[name] = f"{response[name]}, {value}" if response.has_header(name) else value
    return response
