"""`/admin/workload-issuers` and `/admin/assertion-audiences`."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Invalid
from admin_api.lookup import row_id
from admin_api.operations import Role, operation
from admin_api.pagination import envelope
from admin_api.preconditions import Versioned
from admin_api.viewsets.xaa import EntryRoutes
from authplane.core.http import json_response
from oauth.federation import services
from oauth.federation.patterns import MAX_SUBJECT
from oauth.federation.rehearsal import rehearse
from oauth.federation.view import issuer_view, rehearsal_view
from oauth.models import AssertionAudience, WorkloadIssuer
from oauth.xaa import audience_services
from oauth.xaa.view import audience_view

METHODS = ["get", "head", "post", "put", "patch", "delete"]


class WorkloadIssuers(EntryRoutes):
    """Whose word about workloads counts."""

    versioned = Versioned(WorkloadIssuer, key="pk")

    http_method_names: ClassVar[list[str]] = METHODS  # type: ignore[misc]

    @operation(answers="WorkloadIssuer", listed="workload_issuers")
    def list(self, request: Request) -> HttpResponse:
        """All issuers, the newest first."""
        page = self.page(request)
        rows = WorkloadIssuer.objects.all()
        return json_response(envelope("workload_issuers", rows, page=page, render=issuer_view))

    @operation(
        answers="WorkloadIssuer",
        status=201,
        events=("workload_issuer.created",),
        role=Role.SECURITY,
    )
    def create(self, request: Request) -> HttpResponse:
        """A new issuer; without keys and `jwks_uri` it is asked where its keys are."""
        row = self.do(services.create_issuer, self.body(request), actor=self.actor(request))
        return json_response(issuer_view(row), status=201)

    @operation(answers="WorkloadIssuer")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One issuer."""
        return json_response(issuer_view(self.do(services.find_row, _issuer(key))))

    @operation(answers="WorkloadIssuer", events=("workload_issuer.patched",), role=Role.SECURITY)
    def change(self, request: Request, key: str) -> HttpResponse:
        """The issuer with the members of the body; rules are replaced, absent members stay."""
        body = self.body(request)
        row = self.do(services.patch_issuer, _issuer(key), body, actor=self.actor(request))
        return json_response(issuer_view(row))

    @operation(status=204, events=("workload_issuer.deleted",), role=Role.SECURITY)
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The issuer is gone."""
        self.do(services.delete_issuer, _issuer(key), actor=self.actor(request))
        return HttpResponse(status=204)

    @operation(
        answers="RefreshedKeys", events=("workload_issuer.keys_refreshed",), role=Role.SECURITY
    )
    def refresh_keys(self, request: Request, key: str) -> HttpResponse:
        """Its keys are fetched now; how many are usable."""
        number = self.do(services.renew_keys, _issuer(key), actor=self.actor(request))
        return json_response({"status": "refreshed", "keys": number})

    @operation(answers="Rehearsal")
    def test(self, request: Request, key: str) -> HttpResponse:
        """Which rule a workload with this `subject` and these `claims` would meet."""
        row = self.do(services.find_row, _issuer(key))
        subject, claims = _workload_of(self.body(request))
        return json_response(rehearsal_view(rehearse(row, subject=subject, claims=claims)))


class AssertionAudiences(EntryRoutes):
    """To whom users are asserted."""

    versioned = Versioned(AssertionAudience, key="pk")

    http_method_names: ClassVar[list[str]] = METHODS  # type: ignore[misc]

    @operation(answers="AssertionAudience", listed="assertion_audiences")
    def list(self, request: Request) -> HttpResponse:
        """All audiences, the newest first."""
        page = self.page(request)
        rows = AssertionAudience.objects.all()
        return json_response(envelope("assertion_audiences", rows, page=page, render=audience_view))

    @operation(
        answers="AssertionAudience",
        status=201,
        events=("assertion_audience.created",),
        role=Role.SECURITY,
    )
    def create(self, request: Request) -> HttpResponse:
        """A new audience."""
        body = self.body(request)
        row = self.do(audience_services.create_audience, body, actor=self.actor(request))
        return json_response(audience_view(row), status=201)

    @operation(answers="AssertionAudience")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One audience."""
        return json_response(audience_view(self.do(audience_services.find_row, _audience(key))))

    @operation(
        answers="AssertionAudience", events=("assertion_audience.patched",), role=Role.SECURITY
    )
    def change(self, request: Request, key: str) -> HttpResponse:
        """The audience with the members of the body; lists are replaced, absent members stay."""
        body, found = self.body(request), _audience(key)
        row = self.do(audience_services.patch_audience, found, body, actor=self.actor(request))
        return json_response(audience_view(row))

    @operation(status=204, events=("assertion_audience.deleted",), role=Role.SECURITY)
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The audience is gone."""
        found = _audience(key)
        self.do(audience_services.delete_audience, found, actor=self.actor(request))
        return HttpResponse(status=204)


def _issuer(key: str) -> uuid.UUID:
    return row_id(key, services.ABSENT)


def _audience(key: str) -> uuid.UUID:
    return row_id(key, audience_services.ABSENT)


def _workload_of(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Raises: Invalid."""
    unknown = set(body) - {"subject", "claims"}
    subject, claims = body.get("subject"), body.get("claims", {})
    if unknown or not isinstance(claims, dict):
        raise Invalid("the body may hold subject and claims, which is an object")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise Invalid(f"subject must be text of 1 to {MAX_SUBJECT} characters")
    return subject, claims
