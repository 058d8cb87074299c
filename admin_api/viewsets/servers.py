"""`/admin/mcp-servers`: remote MCP servers of users."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, NotFound
from admin_api.lookup import row_by_id
from admin_api.operations import operation
from admin_api.pagination import Page, envelope
from admin_api.routes import MOST_LISTS, OperatorRoutes, known_parameters
from authplane.core.http import json_response
from broker.models import UpstreamServer
from broker.servers import services
from broker.servers.errors import (
    BadServer,
    NoSuchServer,
    ServerBusy,
    ServerConflict,
    TooManyServers,
)
from broker.servers.seeds import USER, named_user
from broker.servers.selectors import servers_of, with_chain
from broker.servers.view import shown_server

ABSENT: Final = "MCP server not found"


class McpServers(OperatorRoutes):
    """What users connect accounts at, besides providers."""

    @operation(query=("user",), answers="McpServer", listed="servers")
    def list(self, request: Request) -> HttpResponse:
        """All servers, the newest first; with `user` (an e-mail address or id), that user's."""
        known_parameters(request, USER)
        rows = with_chain()
        if USER in request.GET:
            try:
                rows = servers_of(named_user(request.GET[USER]))
            except BadServer as bad:
                raise Invalid(str(bad)) from None
        page = Page.of(request, default=MOST_LISTS, is_strict=True)
        return json_response(envelope("servers", rows, page=page, render=shown_server))

    @operation(answers="McpServer", status=201, events=("broker_server.added",))
    def create(self, request: Request) -> HttpResponse:
        """A server more for the user that `user` names."""
        body = self.body(request)
        try:
            user = named_user(body.pop(USER, None))
            row = services.add_server(user, body, actor=self.actor(request))
        except BadServer as bad:
            raise Invalid(str(bad)) from None
        except NoSuchServer:
            raise NotFound("profile not found") from None
        except (ServerConflict, TooManyServers) as error:
            raise Conflict(str(error) or "the user has too many servers") from None
        return json_response(shown_server(with_chain().get(pk=row.pk)), status=201)

    @operation(answers="McpServer")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One server."""
        return json_response(shown_server(_row(key)))

    @operation(status=204, events=("broker_server.removed",))
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The server is gone; what was connected there is ended."""
        try:
            services.remove_server(_row(key), actor=self.actor(request))
        except ServerBusy:
            raise Conflict("the server is being connected now") from None
        return HttpResponse(status=204)


def _row(key: str) -> UpstreamServer:
    """Raises: NotFound."""
    return row_by_id(with_chain(), key, ABSENT)
