"""The well-known documents: authorization server, keys, protected resources."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from django.http import Http404, HttpRequest, HttpResponse

from authplane.core.config import config
from authplane.core.http import JSON, error_response
from oauth.clients.agents import listed_agents
from oauth.keys.jwks import NOTHING_FURTHER, Further, key_document
from oauth.keys.record import KeyUnavailable
from oauth.metadata.published import Document, publication, server_metadata

METADATA_MAX_AGE: Final = 3600
READING: Final = frozenset({"GET", "HEAD"})
NOT_MODIFIED: Final = 304


def authorization_server(request: HttpRequest, tail: str = "") -> HttpResponse:
    """Metadata at the well-known places, for our issuer's own path alone.

    Spec: RFC 8414 section 3; OpenID Connect Discovery 1.0 section 4.
    """
    if request.method not in READING:
        return reading_only(request)
    if tail and tail != _issuer_path():
        # Another issuer's path: an answer here would let us speak for that issuer.
        raise Http404
    return answer(request, server_metadata(), max_age=METADATA_MAX_AGE)


def jwks(request: HttpRequest, tail: str = "") -> HttpResponse:
    """The public keys. Spec: RFC 7517 section 5."""
    if request.method not in READING:
        return reading_only(request)
    if tail and tail != _issuer_path():
        raise Http404
    try:
        document = Document(*key_document(further=_beside_the_keys()))
    except KeyUnavailable:
        return error_response(
            request,
            error="temporarily_unavailable",
            description="the server cannot answer right now",
            status=503,
            headers={"Retry-After": "1"},
        )
    return answer(request, document, max_age=config().signing.jwks_max_age)


def _beside_the_keys() -> Further:
    return listed_agents() if config().agents.enable_jwks_listing else NOTHING_FURTHER


def protected_resource(request: HttpRequest, reference: str = "") -> HttpResponse:
    """Metadata of a registered resource, by the path of its URI or by its slug.

    Spec: RFC 9728 section 3.
    """
    if request.method not in READING:
        return reading_only(request)
    if not _is_text(reference):
        raise Http404
    document = publication().protected_resource(
        reference.removesuffix("/"),
        query=request.META.get("QUERY_STRING", ""),
        host=_host(request),
    )
    if document is None:
        raise Http404
    return answer(request, document, max_age=METADATA_MAX_AGE)


def answer(request: HttpRequest, document: Document, *, max_age: int) -> HttpResponse:
    """The document, or 304 for who has it already.

    Spec: RFC 9110 section 13.1.2.
    """
    known = request.META.get("HTTP_IF_NONE_MATCH")
    if known is not None and _matches(known, document.tag):
        response = HttpResponse(status=NOT_MODIFIED)
        del response.headers["Content-Type"]
    else:
        response = HttpResponse(document.body, content_type=JSON)
    response.headers["Cache-Control"] = f"public, max-age={max_age}"
    response.headers["ETag"] = document.tag
    return response


def _matches(known: str, tag: str) -> bool:
    """Weak comparison: a proxy that compresses makes our tag weak and the body no other."""
    members = {member.strip().removeprefix("W/") for member in known.split(",")}
    return tag in members or "*" in members


def reading_only(request: HttpRequest) -> HttpResponse:
    """405: documents are read."""
    return error_response(
        request,
        error="invalid_request",
        description="use GET",
        status=405,
        headers={"Allow": "GET, HEAD"},
    )


def _issuer_path() -> str:
    return unquote(urlsplit(config().server.issuer).path).strip("/")


def _host(request: HttpRequest) -> str:
    """The host as asked for. It selects among public documents and is never repeated."""
    host: str = request.META.get("HTTP_HOST", "").lower()
    return host.removesuffix(":443").removesuffix(":80")


def _is_text(reference: str) -> bool:
    """Whether the path was UTF-8. Django leaves bytes that are none percent-encoded."""
    try:
        unquote_to_bytes(reference).decode()
    except UnicodeDecodeError:
        return False
    return True
