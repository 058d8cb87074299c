"""`/admin/settings/dcr`: who may register clients."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from admin_api.operations import Role, operation
from admin_api.routes import SMALL_BODY, OperatorRoutes
from admin_api.serializers.strict import Body, Text
from authplane.core.http import json_response
from oauth.registration.policy import Mode, mode, set_mode


class RegistrationMode(Body):
    """Body of `PATCH /admin/settings/dcr`."""

    mode = Text()

    def validate_mode(self, value: str) -> str:
        """One of those there are."""
        if value not in set(Mode):
            raise serializers.ValidationError(f"must be one of: {', '.join(Mode)}")
        return value


class RegistrationSettings(OperatorRoutes):
    """How open registration is. Metadata documents of clients are governed by it, too."""

    @operation(answers="RegistrationMode")
    def retrieve(self, request: Request) -> HttpResponse:  # noqa: ARG002 - DRF's
        """The mode in force."""
        return json_response({"mode": mode().value})

    @operation(
        reads=RegistrationMode,
        answers="RegistrationMode",
        events=("dcr.mode_updated",),
        role=Role.SECURITY,
    )
    def change(self, request: Request) -> HttpResponse:
        """The mode in every process within seconds; it wins over the configuration."""
        wanted = self.read(request, RegistrationMode, limit=SMALL_BODY).validated_data["mode"]
        set_mode(Mode(wanted), actor=self.actor(request))
        return json_response({"mode": wanted})
