"""Routes of the operator listener."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from admin_api.specification import operator_document
from authplane.core import health
from authplane.core.metrics_view import metrics_view
from authplane.core.openapi import serving as openapi

urlpatterns: list[URLPattern | URLResolver] = [
    path("console/", admin.site.urls),
    path("admin/ui/", RedirectView.as_view(url="/console/", permanent=False)),
    path("admin/ui", RedirectView.as_view(url="/console/", permanent=False)),
    path("admin/", include("admin_api.urls")),
    path("metrics", metrics_view),
    path("livez", health.livez),
    *openapi.routes(operator_document, title="Operator API", names_issuer=False),
    path("", include("broker.operator_urls")),
]

handler400 = "authplane.core.error_pages.bad_request"
handler403 = "authplane.core.error_pages.forbidden"
handler404 = "authplane.core.error_pages.not_found"
handler500 = "authplane.core.error_pages.server_error"
