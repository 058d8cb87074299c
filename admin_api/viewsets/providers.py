"""`/admin/broker-providers`: upstream services, and what presets know about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, NotFound, Refused
from admin_api.lookup import row_by_id, row_by_slug, row_id
from admin_api.operations import Role, operation
from admin_api.pagination import envelope
from admin_api.preconditions import Versioned, take_version
from admin_api.routes import OperatorRoutes
from admin_api.serializers.providers import provider_view
from authplane.core.http import json_response
from broker.errors import BadProvider, NoSuchProvider, ProviderConflict, ProviderInUse
from broker.models import BrokerProvider
from broker.providers import services
from broker.providers.view import shown_presets

ABSENT = "broker provider not found"


class BrokerProviders(OperatorRoutes):
    """Where tokens of upstream services come from."""

    versioned = Versioned(BrokerProvider, key="pk")

    @operation(query=("slug",), answers="BrokerProvider", listed="broker_providers")
    def list(self, request: Request) -> HttpResponse:
        """All providers, the newest first; with `slug` alone, that one."""
        if request.GET.get("slug"):
            row = row_by_slug(BrokerProvider.objects.all(), request, "slug", absent=ABSENT)
            return json_response(provider_view(row))
        page = self.page(request, "slug")
        rows = BrokerProvider.objects.all()
        return json_response(envelope("broker_providers", rows, page=page, render=provider_view))

    @operation(
        answers="BrokerProvider",
        status=201,
        events=("broker_provider.created",),
        role=Role.SECURITY,
    )
    def create(self, request: Request) -> HttpResponse:
        """A new provider that can be used as it is."""
        row = _do(services.create_provider, self.body(request), actor=self.actor(request))
        return json_response(provider_view(row), status=201)

    @operation(answers="BrokerProvider")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One provider."""
        return json_response(provider_view(row_by_id(BrokerProvider.objects.all(), key, ABSENT)))

    @operation(answers="BrokerProvider", events=("broker_provider.patched",), role=Role.SECURITY)
    def change(self, request: Request, key: str) -> HttpResponse:
        """The provider with the members of the body; with `version`, only while it is that one."""
        body = self.body(request)
        version = take_version(body)
        found = row_id(key, ABSENT)
        row = _do(services.patch_provider, found, body, actor=self.actor(request), version=version)
        return json_response(provider_view(row))

    @operation(status=204, events=("broker_provider.deleted",), role=Role.SECURITY)
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The provider is gone, unless something refers to it."""
        _do(services.delete_provider, row_id(key, ABSENT), actor=self.actor(request))
        return HttpResponse(status=204)

    @operation(answers="Presets")
    def presets(self, request: Request) -> HttpResponse:  # noqa: ARG002 - DRF's
        """What each preset fills in."""
        return json_response({"presets": shown_presets()})


def _do(change: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What the service returns.

    Raises: Refused.
    """
    try:
        return change(*args, **options)
    except (BadProvider, NoSuchProvider, ProviderConflict, ProviderInUse) as error:
        raise _refusal_of(error) from None


def _refusal_of(error: Exception) -> Refused:
    """The answer to a refused change."""
    if isinstance(error, NoSuchProvider):
        return NotFound(ABSENT)
    if isinstance(error, ProviderConflict | ProviderInUse):
        return Conflict(str(error))
    return Invalid(str(error))
