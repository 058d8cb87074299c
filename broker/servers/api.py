"""/api/servers and /api/connections: what a user has, for programs of this site."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse

from audit import events, record
from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.http import json_response
from authplane.core.metrics import counter
from broker.connections.selectors import connections_of, name_of
from broker.connections.services import revoke
from broker.models import Connection, UpstreamServer
from broker.servers import services
from broker.servers.errors import (
    BadServer,
    ForeignServer,
    NoSuchServer,
    ServerBusy,
    ServerConflict,
    TooManyServers,
)
from broker.servers.selectors import owned_server, servers_of, with_chain
from broker.servers.view import shown_connection, shown_server
from broker.servers.wire import (
    Refused,
    body_of,
    json_route,
    read_id,
    refused_server,
    user_of,
)


def _list_servers(request: HttpRequest) -> HttpResponse:
    rows = [shown_server(row) for row in servers_of(user_of(request))]
    return json_response({"servers": rows, "total": len(rows)})


def _add_server(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    try:
        row = services.add_server(user, body_of(request))
    except BadServer as bad:
        raise Refused(400, "invalid_request", str(bad)) from None
    except NoSuchServer:
        raise Refused(404, "not_found", "no such profile") from None
    except ServerConflict as known:
        raise Refused(409, "conflict", str(known), serverUuid=str(known.existing)) from None
    except TooManyServers:
        raise Refused(409, "conflict", f"a user may have {services.MAX_SERVERS} servers") from None
    return json_response(shown_server(with_chain().get(pk=row.pk)), status=201)


def _show_server(request: HttpRequest, key: str) -> HttpResponse:
    return json_response(shown_server(_server(key, user=user_of(request))))


def _remove_server(request: HttpRequest, key: str) -> HttpResponse:
    try:
        services.remove_server(_server(key, user=user_of(request)))
    except ServerBusy:
        raise Refused(409, "conflict", "the server is being connected now") from None
    return _nothing()


def _list_connections(request: HttpRequest) -> HttpResponse:
    rows = [shown_connection(row) for row in connections_of(user_of(request).pk)]
    return json_response({"connections": rows, "total": len(rows)})


def _show_connection(request: HttpRequest, key: str) -> HttpResponse:
    return json_response(shown_connection(_connection(key, user=user_of(request))))


def _end_connection(request: HttpRequest, key: str) -> HttpResponse:
    row = _connection(key, user=user_of(request))
    if row.server is not None:
        ended = services.disconnect_server(row.server)
    else:
        ended = revoke(row.pk, reason=services.BY_USER, now=clock.now())
    if not ended:
        raise Refused(404, "not_found", "no such connection")
    counter("authserver_connection_disconnect_total").labels(name_of(row)).inc()
    return _nothing()


servers = json_route(GET=_list_servers, POST=_add_server)
server = json_route(GET=_show_server, DELETE=_remove_server)
connections = json_route(GET=_list_connections)
connection = json_route(GET=_show_connection, DELETE=_end_connection)


def _server(key: str, *, user: User) -> UpstreamServer:
    try:
        return owned_server(read_id(key, name="the server's id"), user=user)
    except (NoSuchServer, ForeignServer) as refused:
        raise refused_server(refused) from None


def _connection(key: str, *, user: User) -> Connection:
    """The user's connection, also one that was ended. Raises: Refused."""
    found = _any_connection(read_id(key, name="the connection's id"))
    if found is None:
        raise Refused(404, "not_found", "no such connection")
    if found.user_id != user.pk:
        record.record_refusal(
            events.ServerOwnershipViolated(actor_id=str(user.pk), id=str(found.pk))
        )
        raise Refused(403, "access_denied", "the connection belongs to another user")
    return found


def _any_connection(key: uuid.UUID) -> Connection | None:
    rows: Any = Connection.objects.select_related("provider", "server")
    found: Connection | None = rows.filter(pk=key).first()
    return found


def _nothing() -> HttpResponse:
    response = HttpResponse(status=204)
    response["Cache-Control"] = "no-store"
    return response
