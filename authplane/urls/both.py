"""Both listeners on one port, for the test settings only; a server mounts exactly one of them."""

from __future__ import annotations

from authplane.urls import operator, public

urlpatterns = [*operator.urlpatterns, *public.urlpatterns]

handler400 = "authplane.core.error_pages.bad_request"
handler403 = "authplane.core.error_pages.forbidden"
handler404 = "authplane.core.error_pages.not_found"
handler500 = "authplane.core.error_pages.server_error"
