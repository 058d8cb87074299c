"""`/admin/idps` and `/admin/xaa/...`: whose assertions count, for what, and about whom."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, NotFound, Refused
from admin_api.lookup import asked_id, row_id
from admin_api.operations import Role, operation
from admin_api.pagination import envelope
from admin_api.preconditions import Versioned
from admin_api.routes import OperatorRoutes
from authplane.core.http import json_response
from oauth.federation.errors import EntryConflict, EntryError, IssuerAway, NoSuchEntry
from oauth.models import SubjectMapping, TrustedIdP, XAAPolicy
from oauth.xaa import mappings, policies, providers
from oauth.xaa.view import idp_view, mapping_view, policy_view

RETRY_AFTER = "30"


class EntryRoutes(OperatorRoutes):
    """What the routes of identity providers have in common."""

    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "put", "delete"]  # type: ignore[misc]

    def do(self, change: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """What the service returns.

        Raises: Refused.
        """
        try:
            return change(*args, **options)
        except EntryError as error:
            raise refusal_of(error) from None


class IdPs(EntryRoutes):
    """Identity providers whose assertions are accepted."""

    versioned = Versioned(TrustedIdP, key="pk")

    @operation(answers="IdP", listed="idps")
    def list(self, request: Request) -> HttpResponse:
        """All providers, the newest first."""
        page = self.page(request)
        return json_response(envelope("idps", TrustedIdP.objects.all(), page=page, render=idp_view))

    @operation(answers="IdP", status=201, events=("idp.created",), role=Role.SECURITY)
    def create(self, request: Request) -> HttpResponse:
        """A new provider; without `jwks_uri` it is asked where its keys are."""
        row = self.do(providers.create_provider, self.body(request), actor=self.actor(request))
        return json_response(idp_view(row), status=201)

    @operation(answers="IdP")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One provider."""
        return json_response(idp_view(self.do(providers.find_provider_row, _idp(key))))

    @operation(answers="IdP", events=("idp.updated",), role=Role.SECURITY)
    def change(self, request: Request, key: str) -> HttpResponse:
        """The provider with another name, or switched on or off; absent members stay."""
        body = self.body(request)
        row = self.do(providers.change_provider, _idp(key), body, actor=self.actor(request))
        return json_response(idp_view(row))

    @operation(status=204, events=("idp.deleted",), role=Role.SECURITY)
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The provider is gone, with its policies and mappings."""
        self.do(providers.delete_provider, _idp(key), actor=self.actor(request))
        return HttpResponse(status=204)

    @operation(answers="Status", events=("idp.keys_refreshed",), role=Role.SECURITY)
    def refresh_keys(self, request: Request, key: str) -> HttpResponse:
        """Its keys are fetched now."""
        self.do(providers.refresh_keys, _idp(key), actor=self.actor(request))
        return json_response({"status": "refreshed"})


class XAAPolicies(EntryRoutes):
    """What assertions may obtain."""

    versioned = Versioned(XAAPolicy, key="pk")

    @operation(query=("idp_id",), answers="XAAPolicy", listed="policies")
    def list(self, request: Request) -> HttpResponse:
        """All policies, the newest first; of one provider with `idp_id`."""
        page = self.page(request, "idp_id")
        rows = _of_idp(XAAPolicy.objects.all(), request)
        return json_response(envelope("policies", rows, page=page, render=policy_view))

    @operation(answers="XAAPolicy", status=201, events=("xaa_policy.created",), role=Role.SECURITY)
    def create(self, request: Request) -> HttpResponse:
        """A new policy."""
        row = self.do(policies.create_policy, self.body(request), actor=self.actor(request))
        return json_response(policy_view(row), status=201)

    @operation(answers="XAAPolicy")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One policy."""
        return json_response(policy_view(self.do(policies.find_policy, _policy(key))))

    @operation(answers="XAAPolicy", events=("xaa_policy.updated",), role=Role.SECURITY)
    def change(self, request: Request, key: str) -> HttpResponse:
        """The policy with the members of the body; lists are replaced, absent members stay."""
        body = self.body(request)
        row = self.do(policies.change_policy, _policy(key), body, actor=self.actor(request))
        return json_response(policy_view(row))

    @operation(status=204, events=("xaa_policy.deleted",), role=Role.SECURITY)
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The policy is gone."""
        self.do(policies.delete_policy, _policy(key), actor=self.actor(request))
        return HttpResponse(status=204)


class SubjectMappings(EntryRoutes):
    """Who the subjects of identity providers are here."""

    @operation(query=("idp_id",), answers="SubjectMapping", listed="subject_mappings")
    def list(self, request: Request) -> HttpResponse:
        """All mappings, the newest first; of one provider with `idp_id`."""
        page = self.page(request, "idp_id")
        rows = _of_idp(SubjectMapping.objects.all(), request)
        return json_response(envelope("subject_mappings", rows, page=page, render=mapping_view))

    @operation(
        answers="SubjectMapping",
        status=201,
        events=("subject_mapping.created",),
        role=Role.SECURITY,
    )
    def create(self, request: Request) -> HttpResponse:
        """A new mapping."""
        row = self.do(mappings.create_mapping, self.body(request), actor=self.actor(request))
        return json_response(mapping_view(row), status=201)

    @operation(status=204, events=("subject_mapping.deleted",), role=Role.SECURITY)
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The mapping is gone."""
        found = row_id(key, mappings.ABSENT)
        self.do(mappings.delete_mapping, found, actor=self.actor(request))
        return HttpResponse(status=204)


def refusal_of(error: EntryError) -> Refused:
    """The answer to a refused change."""
    if isinstance(error, NoSuchEntry):
        return NotFound(str(error))
    if isinstance(error, EntryConflict):
        return Conflict(str(error))
    if isinstance(error, IssuerAway):
        return Refused(
            status=503,
            error="temporarily_unavailable",
            text=str(error),
            headers={"Retry-After": RETRY_AFTER},
        )
    return Invalid(str(error))


def _idp(key: str) -> uuid.UUID:
    return row_id(key, providers.ABSENT)


def _policy(key: str) -> uuid.UUID:
    return row_id(key, policies.ABSENT)


def _of_idp(rows: QuerySet[Any], request: Request) -> QuerySet[Any]:
    return rows.filter(idp_id=asked_id(request, "idp_id")) if request.GET.get("idp_id") else rows
