"""Our own client metadata documents: how authorization servers that fetch them know this server."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from broker.connect.return_urls import base_url, callback_url
from broker.providers.selectors import provider_by_slug
from broker.providers.settings import McpSettings
from broker.remote.registration import client_document
from broker.remote.targets import DOCUMENT, SERVER_CALLBACK

MAX_AGE: Final = 3600


@require_safe
def shared_document(_request: HttpRequest) -> HttpResponse:
    """The client for servers that users add."""
    return _answer(f"{DOCUMENT}.json", callback=f"{base_url()}{SERVER_CALLBACK}")


@require_safe
def provider_document(_request: HttpRequest, slug: str) -> HttpResponse:
    """The client for one provider: it has a callback of its own."""
    provider = provider_by_slug(slug)
    if provider is None or not provider.enabled or not isinstance(provider.settings, McpSettings):
        raise Http404
    return _answer(f"{DOCUMENT}/{slug}.json", callback=callback_url(slug))


def _answer(path: str, *, callback: str) -> HttpResponse:
    """The document.

    Spec: draft-ietf-oauth-client-id-metadata-document-02 section 4 (MUST: `client_id` is the
    document's URL; MUST NOT: secrets).
    """
    document = {"client_id": f"{base_url()}{path}"} | client_document(
        callback=callback, method="none"
    )
    response = JsonResponse(document)
    response["Cache-Control"] = f"public, max-age={MAX_AGE}"
    response["X-Content-Type-Options"] = "nosniff"
    return response
