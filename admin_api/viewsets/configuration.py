"""`/admin/configuration`: all of the configuration as one document, out and in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.configuration.apply import BadDocument, apply
from admin_api.configuration.document import MEDIA, read_document, written
from admin_api.configuration.export import exported
from admin_api.exceptions import Invalid
from admin_api.operations import Role, operation
from admin_api.routes import OperatorRoutes, flag, known_parameters
from authplane.core.forms import JSON
from authplane.core.http import json_response
from authplane.core.openapi.system import YAML

EVENTS: Final = (
    "configuration.applied", "client.created_admin", "client.updated", "client.suspended",
    "client.reactivated", "broker_provider.created", "broker_provider.patched",
    "resource.created", "resource.patched", "fronting_link.created", "fronting_link.patched",
    "oauth_proxy.created", "oauth_proxy.patched", "access_group.created", "access_group.patched",
    "identity_provider.created", "identity_provider.patched", "idp.created", "idp.updated",
    "xaa_policy.created", "xaa_policy.updated", "workload_issuer.created",
    "workload_issuer.patched", "assertion_audience.created", "assertion_audience.patched",
    "dcr.mode_updated", "settings.limits_updated", "settings.notices_updated",
    "approvals.settings_updated",
)  # fmt: skip
"""Those of each change, and one of the whole."""


class Configuration(OperatorRoutes):
    """Everything that administrators set up, as one document that another server takes."""

    @operation(answers="Configuration", media=MEDIA, role=Role.SECURITY)
    def retrieve(self, request: Request) -> HttpResponse:
        """The configuration in YAML, or in JSON where that is asked for. It holds no secrets."""
        known_parameters(request)
        if JSON in request.META.get("HTTP_ACCEPT", ""):
            return json_response(exported())
        response = HttpResponse(written(exported()), content_type=YAML)
        response.headers["Cache-Control"] = "no-store"
        return response

    @operation(
        query=("dry_run",),
        answers="AppliedConfiguration",
        events=EVENTS,
        role=Role.OWNER,
        takes=MEDIA,
    )
    def apply(self, request: Request) -> HttpResponse:
        """What the document names exists and is what it says. Nothing is removed.

        With `dry_run=true` everything is judged and told, and nothing changes. New clients with a
        secret get one, which is shown this once.
        """
        dry_run = flag(request, "dry_run")
        document = read_document(request._request)  # noqa: SLF001 - DRF keeps it there
        try:
            applied = apply(document, actor=self.actor(request), dry_run=dry_run)
        except BadDocument as bad:
            raise Invalid(str(bad)) from None
        shown = asdict(applied)
        if not applied.secrets:
            del shown["secrets"]
        return json_response(shown)
