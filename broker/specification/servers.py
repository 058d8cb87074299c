"""/api/*: a user's remote MCP servers and connections, for programs of this site."""

from __future__ import annotations

from typing import Any, Final

from authplane.core.openapi.document import empty_answer, json_answer
from authplane.core.openapi.operations import in_path, json_body, operation
from authplane.core.openapi.shapes import (
    COUNT,
    FLAG,
    ID,
    MOMENT,
    TEXT,
    Schema,
    many,
    maybe,
    members,
    named,
    one_of,
    said,
)
from broker.models import Connection
from broker.servers.view import CONNECTED, NOT_CONNECTED, OPEN, RECONNECT
from oauth.specification.schemes import SESSION

TAG: Final = "connections"
CRON: Final = "cronSecret"
SERVER_ID: Final = in_path("key", TEXT, "The server's id.")
SITE: Final = "Relies on the session cookie, so it needs JSON and a request of this very site."

SCHEMAS: Final[dict[str, Schema]] = {
    "Server": members(
        {
            "uuid": ID,
            "name": TEXT,
            "url": TEXT,
            "profile": ID,
            "user_id": ID,
            "status": one_of(CONNECTED, RECONNECT, NOT_CONNECTED, OPEN),
            "requires_auth": said(maybe(FLAG), "Null before the server was asked."),
            "connection": maybe(ID),
            "scopes": many(TEXT),
            "connected_at": maybe(MOMENT),
            "expires_at": maybe(MOMENT),
            "created_at": MOMENT,
        }
    ),
    "Connection": members(
        {
            "id": ID,
            "provider": maybe(TEXT),
            "server_uuid": maybe(ID),
            "name": TEXT,
            "status": one_of(*Connection.Status.values),
            "scopes": many(TEXT),
            "account": TEXT,
            "connected_at": maybe(MOMENT),
            "expires_at": maybe(MOMENT),
            "last_used_at": maybe(MOMENT),
            "updated_at": maybe(MOMENT),
        }
    ),
    "NewServer": members({"url": TEXT}, {"name": TEXT, "profile": TEXT}),
    "ServerReference": members({"serverUuid": ID}),
    "Initiation": members({"serverUuid": ID}, {"redirectUri": TEXT}),
    "Initiated": members({"authorizationUrl": TEXT, "state": TEXT, "expiresAt": MOMENT}),
    "Refreshed": members({"success": FLAG, "expiresAt": maybe(MOMENT)}),
    "RefreshedAll": members(
        {
            "success": FLAG,
            "refreshed": COUNT,
            "failed": COUNT,
            "errors": many(TEXT),
            "timestamp": MOMENT,
        }
    ),
    "CleanedUp": members(
        {"success": FLAG, "deleted": COUNT, "gracePeriodMinutes": COUNT, "timestamp": MOMENT}
    ),
}
_LISTED: Final = (400, 401, 403, 413, 503)
_ONE: Final = (400, 401, 403, 404, 409, 413, 503)


def _of_user(name: str, summary: str, answers: Schema, *more: int, **options: Any) -> Schema:
    return operation(
        name, summary, tag=TAG, security=(SESSION,), answers=answers,
        refused=sorted({*_ONE, *more}), about=SITE, **options,
    )  # fmt: skip


def _envelope(noun: str, schema: str, about: str) -> Schema:
    return {"200": json_answer(members({noun: many(named(schema)), "total": COUNT}), about)}


def _scheduled(name: str, summary: str, schema: str, *refused: int) -> dict[str, Any]:
    return {
        "post": operation(
            name, summary, tag="schedule", security=(CRON,), refused=(401, 413, 503, *refused),
            answers={"200": json_answer(named(schema), "Done.")},
        )
    }  # fmt: skip


PATHS: Final[dict[str, Any]] = {
    "/api/servers": {
        "get": _of_user("servers", "The user's servers.", _envelope("servers", "Server", "All.")),
        "post": _of_user(
            "server_add",
            "A server more.",
            {"201": json_answer(named("Server"), "The server.")},
            body=json_body(named("NewServer"), example={"url": "https://mcp.example.com/mcp"}),
        ),
    },
    "/api/servers/{key}": {
        "parameters": [SERVER_ID],
        "get": _of_user("server", "One server.", {"200": json_answer(named("Server"), "It.")}),
        "delete": _of_user(
            "server_remove",
            "The server is gone, and what was connected there is ended.",
            {"204": empty_answer("Done.")},
        ),
    },
    "/api/connections": {
        "get": _of_user(
            "connections", "What the user has connected.",
            _envelope("connections", "Connection", "All."),
        ),
    },
    "/api/connections/{key}": {
        "parameters": [in_path("key", TEXT, "The connection's id.")],
        "get": _of_user(
            "connection", "One connection.", {"200": json_answer(named("Connection"), "It.")}
        ),
        "delete": _of_user(
            "connection_end", "The connection is ended, and its service told.",
            {"204": empty_answer("Done.")},
        ),
    },
    "/api/oauth/initiate": {
        "post": _of_user(
            "initiate",
            "Where the user is to be sent to connect an account at a server.",
            {"200": json_answer(named("Initiated"), "Send the browser there.")},
            500,
            body=json_body(named("Initiation")),
        )
    },
    "/api/oauth/refresh": {
        "post": _of_user(
            "refresh",
            "The server's token is fresh, or there is a reason why not.",
            {"200": json_answer(named("Refreshed"), "It is fresh.")},
            500,
            body=json_body(named("ServerReference")),
        )
    },
    "/api/oauth/refresh-tokens": _scheduled(
        "refresh_tokens", "Every token that ends soon is renewed.", "RefreshedAll", 500
    ),
    "/api/oauth/cleanup-pkce": _scheduled(
        "cleanup_pkce", "Hops that nobody came back from are given up.", "CleanedUp"
    ),
}  # fmt: skip
