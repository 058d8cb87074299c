"""`/admin/resources`, and the lists of client ids in a resource's policy."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, NotFound
from admin_api.lookup import of_id, row_by_id, row_by_slug, row_id
from admin_api.operations import operation
from admin_api.pagination import envelope
from admin_api.preconditions import Versioned
from admin_api.routes import SMALL_BODY, OperatorRoutes, flag
from admin_api.serializers.resources import PolicyMember, ReturnUrl, resource_view
from authplane.core.http import json_response
from oauth.models import Resource
from oauth.resources import policy, return_urls, services
from oauth.resources.errors import (
    NoSuchLink,
    NoSuchProvider,
    NoSuchResource,
    ResourceConflict,
    ResourceError,
    ResourceInUse,
    ResourceLinked,
)
from oauth.resources.fronting.view import link_view
from oauth.resources.policy_body import RETURN_URLS

ABSENT = "resource not found"
FILTERS = ("slug", "backend_kind", "broker_provider_id")


class Resources(OperatorRoutes):
    """What tokens are for."""

    versioned = Versioned(Resource, resource_id="pk")

    @operation(query=FILTERS, answers="Resource", listed="resources")
    def list(self, request: Request) -> HttpResponse:
        """All resources, the newest first; with `slug` alone, that one."""
        if request.GET.get("slug"):
            row = row_by_slug(Resource.objects.all(), request, *FILTERS, absent=ABSENT)
            return json_response(resource_view(row))
        page = self.page(request, *FILTERS)
        rows = _filtered(request)
        return json_response(envelope("resources", rows, page=page, render=resource_view))

    @operation(answers="Resource", status=201, events=("resource.created",))
    def create(self, request: Request) -> HttpResponse:
        """A new resource."""
        body = self.body(request)
        try:
            row = services.create_resource(body, actor=self.actor(request))
        except ResourceError as error:
            raise refusal_of(error) from None
        return json_response(resource_view(row), status=201)

    @operation(answers="Resource")
    def retrieve(self, request: Request, resource_id: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One resource."""
        return json_response(resource_view(row_by_id(Resource.objects.all(), resource_id, ABSENT)))

    @operation(answers="Resource", events=("resource.patched",))
    def change(self, request: Request, resource_id: str) -> HttpResponse:
        """The resource with the members of the body; lists and the policy are replaced whole."""
        body = self.body(request)
        try:
            row = services.patch_resource(
                row_id(resource_id, ABSENT), body, actor=self.actor(request)
            )
        except ResourceError as error:
            raise refusal_of(error) from None
        return json_response(resource_view(row))

    @operation(query=("cascade",), status=204, events=("resource.deleted", "fronting_link.deleted"))
    def remove(self, request: Request, resource_id: str) -> HttpResponse:
        """The resource is gone, unless somebody's consent names it.

        Fronting links keep it as well, and are told; with `cascade=true` they go with it.
        """
        cascade = flag(request, "cascade")
        try:
            services.delete_resource(
                row_id(resource_id, ABSENT), actor=self.actor(request), cascade=cascade
            )
        except ResourceError as error:
            raise refusal_of(error) from None
        return HttpResponse(status=204)


class PolicyRoutes(OperatorRoutes):
    """One list of a resource's policy. Adding twice and removing what is absent change nothing."""

    of = policy.EXCHANGE

    def _listed(self, slug: str) -> HttpResponse:
        return self._answer(policy.listed_clients, slug)

    def _added(self, request: Request, slug: str) -> HttpResponse:
        member = self.read(request, PolicyMember, limit=SMALL_BODY).validated_data["client_id"]
        return self._answer(policy.add_client, slug, client_id=member, actor=self.actor(request))

    def _removed(self, request: Request, slug: str, client_id: str) -> HttpResponse:
        return self._answer(
            policy.remove_client, slug, client_id=client_id, actor=self.actor(request)
        )

    def _answer(self, change: Any, slug: str, **options: str) -> HttpResponse:
        try:
            members = change(slug, of=self.of, **options)
        except ResourceError as error:
            raise refusal_of(error) from None
        return json_response({self.of.name: members})


class ExchangeClients(PolicyRoutes):
    """Who may exchange tokens for the resource."""

    of = policy.EXCHANGE

    @operation(answers="ExchangeClients")
    def retrieve(self, request: Request, slug: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """The clients that may exchange tokens for the resource."""
        return self._listed(slug)

    @operation(
        reads=PolicyMember,
        answers="ExchangeClients",
        events=("resource.policy.exchange.allowed_client.added",),
    )
    def add(self, request: Request, slug: str) -> HttpResponse:
        """The list with the client on it."""
        return self._added(request, slug)

    @operation(
        answers="ExchangeClients", events=("resource.policy.exchange.allowed_client.removed",)
    )
    def remove(self, request: Request, slug: str, client_id: str) -> HttpResponse:
        """The list without the client."""
        return self._removed(request, slug, client_id)


class RuntimeClients(PolicyRoutes):
    """Who acts as the resource."""

    of = policy.RUNTIME

    @operation(answers="RuntimeClients")
    def retrieve(self, request: Request, slug: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """The clients that may act as the resource."""
        return self._listed(slug)

    @operation(
        reads=PolicyMember,
        answers="RuntimeClients",
        events=("resource.policy.runtime.client.added",),
    )
    def add(self, request: Request, slug: str) -> HttpResponse:
        """The list with the client on it."""
        return self._added(request, slug)

    @operation(answers="RuntimeClients", events=("resource.policy.runtime.client.removed",))
    def remove(self, request: Request, slug: str, client_id: str) -> HttpResponse:
        """The list without the client."""
        return self._removed(request, slug, client_id)


class ReturnUrls(OperatorRoutes):
    """Where users may be sent after connecting an account for a brokered resource."""

    @operation(answers="AllowedReturnUrls")
    def retrieve(self, request: Request, slug: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """The list."""
        return self._answer(return_urls.listed_urls, slug)

    @operation(
        reads=ReturnUrl,
        answers="AllowedReturnUrls",
        events=("resource.policy.connect.allowed_return_url.added",),
    )
    def add(self, request: Request, slug: str) -> HttpResponse:
        """The list with the URL on it."""
        url = self.read(request, ReturnUrl, limit=SMALL_BODY).validated_data["url"]
        return self._answer(return_urls.add_url, slug, url=url, actor=self.actor(request))

    @operation(
        query=("url",),
        answers="AllowedReturnUrls",
        events=("resource.policy.connect.allowed_return_url.removed",),
    )
    def remove(self, request: Request, slug: str) -> HttpResponse:
        """The list without the URL that the query names."""
        if set(request.GET) != {"url"} or len(request.GET.getlist("url")) != 1:
            raise Invalid("the query must hold url, once, and nothing else")
        return self._answer(
            return_urls.remove_url, slug, url=request.GET["url"], actor=self.actor(request)
        )

    def _answer(self, change: Any, slug: str, **options: str) -> HttpResponse:
        try:
            return json_response({RETURN_URLS: change(slug, **options)})
        except ResourceError as error:
            raise refusal_of(error) from None


class PolicyRules(OperatorRoutes):
    """What a resource demands of its tokens, apart from the lists of its policy."""

    versioned = Versioned(Resource, slug="slug")

    @operation(answers="PolicyRules")
    def retrieve(self, request: Request, slug: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """Every rule, null where there is none."""
        try:
            return json_response(policy.rules_of(slug))
        except ResourceError as error:
            raise refusal_of(error) from None

    @operation(answers="PolicyRules", events=("resource.patched",))
    def change(self, request: Request, slug: str) -> HttpResponse:
        """The rules with the members of the body; null takes one away, absent ones stay."""
        body = self.body(request, limit=SMALL_BODY)
        try:
            return json_response(policy.change_rules(slug, body, actor=self.actor(request)))
        except ResourceError as error:
            raise refusal_of(error) from None


def refusal_of(error: ResourceError) -> Exception:
    """How the operator is told."""
    if isinstance(error, NoSuchResource | NoSuchLink | NoSuchProvider):
        return NotFound(str(error))
    if isinstance(error, ResourceLinked):
        dependents = [link_view(link) for link in error.links]
        return Conflict(str(error), extra={"dependents": dependents})
    if isinstance(error, ResourceConflict | ResourceInUse):
        return Conflict(str(error))
    return Invalid(str(error))


def _filtered(request: Request) -> QuerySet[Resource]:
    rows = Resource.objects.all()
    kind = request.GET.get("backend_kind")
    if kind:
        if kind not in Resource.Backend.values:
            raise Invalid("backend_kind must be mint or broker")
        rows = rows.filter(backend_kind=kind)
    return of_id(rows, "broker_provider", request.GET.get("broker_provider_id", ""))
