"""`/admin/stats`, `/admin/system/...`, `/admin/auth/verify`: the server about itself."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from rest_framework.request import Request

from admin_api import system
from admin_api.operations import Role, operation
from admin_api.routes import OperatorRoutes
from audit import record
from audit.events import OperatorKeyVerified
from authplane.core.http import json_response
from authplane.core.program import VERSION


class Server(OperatorRoutes):
    """How it is, how it is configured, how much it holds."""

    @operation(answers="Statistics")
    def stats(self, request: Request) -> HttpResponse:  # noqa: ARG002 - DRF's
        """How many clients, users, tokens and connections there are."""
        return json_response(system.statistics())

    @operation(answers="SystemStatus")
    def status(self, request: Request) -> HttpResponse:  # noqa: ARG002 - DRF's
        """What works; always 200."""
        return json_response(system.status())

    @operation(answers="SystemConfig")
    def configuration(self, request: Request) -> HttpResponse:  # noqa: ARG002 - DRF's
        """The choices in force, and what is unusual about them."""
        return json_response(system.configuration())

    @operation(answers="Verified", events=("admin.ui.login",), role=Role.VIEWER)
    def verify(self, request: Request) -> HttpResponse:
        """The key that the request carries is good."""
        with transaction.atomic():
            record.record(OperatorKeyVerified(actor_id=self.actor(request)))
        return json_response({"valid": True, "version": VERSION})
