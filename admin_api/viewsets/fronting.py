"""`/admin/fronting`: which resource may stand in front of which."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import NotFound
from admin_api.operations import operation
from admin_api.pagination import envelope
from admin_api.preconditions import Versioned
from admin_api.routes import OperatorRoutes, flag
from admin_api.viewsets.resources import refusal_of
from authplane.core.http import json_response
from oauth.models import FrontingLink, Resource
from oauth.resources.errors import ResourceError
from oauth.resources.fronting import services
from oauth.resources.fronting.guards import links_of
from oauth.resources.fronting.view import link_view

FILTERS = ("source", "target")


class Fronting(OperatorRoutes):
    """Links between resources."""

    versioned = Versioned(FrontingLink, source="source__slug", target="target__slug")

    @operation(query=("source", "target"), answers="FrontingLink", listed="fronting_links")
    def list(self, request: Request) -> HttpResponse:
        """All links, the newest first; of one `source` or to one `target` when the query says."""
        page = self.page(request, *FILTERS)
        given = {
            f"{name}__slug": request.GET[name].replace("\x00", "")
            for name in FILTERS
            if name in request.GET
        }
        rows = FrontingLink.objects.select_related("source", "target").filter(**given)
        return json_response(envelope("fronting_links", rows, page=page, render=link_view))

    @operation(
        query=("dry_run",), answers="FrontingLink", status=201, events=("fronting_link.created",)
    )
    def create(self, request: Request) -> HttpResponse:
        """A new link; with `dry_run=true` every check, and nothing is stored."""
        dry_run = flag(request, "dry_run")
        body = self.body(request)
        try:
            row = services.create_link(body, actor=self.actor(request), dry_run=dry_run)
        except ResourceError as error:
            raise refusal_of(error) from None
        return json_response(link_view(row), status=200 if dry_run else 201)

    @operation(answers="FrontingLink")
    def retrieve(self, request: Request, source: str, target: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One link."""
        try:
            return json_response(link_view(services.find_row(source, target)))
        except ResourceError as error:
            raise refusal_of(error) from None

    @operation(query=("dry_run",), answers="FrontingLink", events=("fronting_link.patched",))
    def change(self, request: Request, source: str, target: str) -> HttpResponse:
        """The link with another scope map; with `dry_run=true` every check, nothing is stored."""
        dry_run = flag(request, "dry_run")
        body = self.body(request)
        try:
            row = services.patch_link(
                source, target, body, actor=self.actor(request), dry_run=dry_run
            )
        except ResourceError as error:
            raise refusal_of(error) from None
        return json_response(link_view(row))

    @operation(status=204, events=("fronting_link.deleted",))
    def remove(self, request: Request, source: str, target: str) -> HttpResponse:
        """The link is gone."""
        try:
            services.delete_link(source, target, actor=self.actor(request))
        except ResourceError as error:
            raise refusal_of(error) from None
        return HttpResponse(status=204)


class ResourceFronting(OperatorRoutes):
    """The links of one resource."""

    @operation(answers="ResourceFronting")
    def retrieve(self, request: Request, slug: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """What it fronts, and what fronts it."""
        row = Resource.objects.filter(slug=slug.replace("\x00", "")).first()
        if row is None:
            raise NotFound("resource not found")
        links = links_of(row)
        document = {
            "slug": row.slug,
            "fronts": [link_view(link) for link in links if link.source_id == row.pk],
            "fronted_by": [link_view(link) for link in links if link.target_id == row.pk],
        }
        return json_response(document)
