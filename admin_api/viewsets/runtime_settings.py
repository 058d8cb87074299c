"""`/admin/settings/limits` and `/admin/settings/notices`: changed while the server runs."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from admin_api import runtime_settings as services
from admin_api.operations import Role, operation
from admin_api.routes import SMALL_BODY, OperatorRoutes
from admin_api.serializers.strict import Body, Text
from authplane.core.http import json_response

MAX_TITLE, MAX_BODY = 120, 1000


def _rate() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1, max_value=services.HIGHEST, required=False, allow_null=True
    )


class LimitsChange(Body):
    """Body of `PATCH /admin/settings/limits`; null gives a limit back to the configuration."""

    requests_per_second = _rate()
    request_burst = _rate()
    registrations_per_second = _rate()
    registration_burst = _rate()
    software_registrations_per_second = _rate()


class NoticeBody(Body):
    """One notice: what operators should know, and where it is explained."""

    id = serializers.RegexField(r"^[a-z0-9][a-z0-9.-]{0,63}$")
    severity = serializers.ChoiceField(choices=services.SEVERITIES)
    title = Text(max_length=MAX_TITLE)
    body = Text(max_length=MAX_BODY)
    docs_url = serializers.URLField(required=False, max_length=512)


class NoticesBody(Body):
    """Body of `PUT /admin/settings/notices`: all notices there shall be."""

    notices = NoticeBody(many=True)

    def validate_notices(self, value: list[dict[str, str]]) -> list[dict[str, str]]:
        """Few, each with a name of its own."""
        if len(value) > services.MAX_NOTICES:
            raise serializers.ValidationError(f"at most {services.MAX_NOTICES}")
        if len({notice["id"] for notice in value}) != len(value):
            raise serializers.ValidationError("two have the same id")
        return [dict(notice) for notice in value]


class LimitSettings(OperatorRoutes):
    """How much one address, and one software, may ask for."""

    @operation(answers="Limits")
    def retrieve(self, request: Request) -> HttpResponse:  # noqa: ARG002 - DRF's
        """The limits in force, and which of them were changed since the configuration."""
        return json_response(services.shown_limits())

    @operation(
        reads=LimitsChange,
        answers="Limits",
        events=("settings.limits_updated",),
        role=Role.SECURITY,
    )
    def change(self, request: Request) -> HttpResponse:
        """The limits in every process within seconds; they win over the configuration."""
        wanted = self.read(request, LimitsChange, limit=SMALL_BODY).validated_data
        services.change_limits(wanted, actor=self.actor(request))
        return json_response(services.shown_limits())


class NoticeSettings(OperatorRoutes):
    """What operators tell each other."""

    http_method_names = ["get", "head", "put"]  # type: ignore[misc]

    @operation(answers="Notices")
    def retrieve(self, request: Request) -> HttpResponse:  # noqa: ARG002 - DRF's
        """The notices of operators; those about the configuration are in `system/config`."""
        return json_response({"notices": services.notices()})

    @operation(reads=NoticesBody, answers="Notices", events=("settings.notices_updated",))
    def change(self, request: Request) -> HttpResponse:
        """These notices and no others, in every process within seconds."""
        wanted = self.read(request, NoticesBody, limit=SMALL_BODY).validated_data["notices"]
        services.replace_notices(wanted, actor=self.actor(request))
        return json_response({"notices": wanted})
