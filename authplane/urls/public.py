"""Routes of the public listener."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from authplane.core import arrival, health
from authplane.core.openapi import serving as openapi
from broker.specification.public import public_document
from oauth.views.error_reference import error_reference

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health.health),
    path("ready", health.ready),
    path("livez", health.livez),
    path(arrival.PATH.removeprefix("/"), arrival.arrival),
    *openapi.routes(public_document, title="Public interface", names_issuer=True),
    path("docs/errors", error_reference, name="error-reference"),
    path("", include("oauth.urls")),
    path("", include("oauth.browser_urls")),
    path("", include("broker.urls")),
    path("", include("oauth.metadata.urls")),
]

handler400 = "authplane.core.error_pages.bad_request"
handler403 = "authplane.core.error_pages.forbidden"
handler404 = "authplane.core.error_pages.not_found"
handler500 = "authplane.core.error_pages.server_error"
