"""The document of the public listener, put together."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from authplane.core.openapi.document import document, json_answer
from authplane.core.openapi.operations import in_path, operation
from authplane.core.openapi.shapes import (
    MOMENT,
    TEXT,
    Schema,
    many,
    members,
    named,
    one_of,
    open_members,
)
from authplane.core.openapi.system import about_itself
from broker.specification import proxies, servers
from oauth.specification import authorization, discovery, registration, tokens
from oauth.specification.schemes import schemes

ABOUT: Final = (
    "An OAuth 2.1 authorization server for MCP, and a broker for accounts at other services. Pages "
    "for people are not described here. Programs decide by the code in `error`."
)
TAGS: Final = (
    ("authorization", "How people let clients act for them"),
    ("tokens", "Tokens of this server"),
    ("registration", "Clients that register themselves"),
    ("discovery", "Documents about this server, its keys and resources"),
    ("connections", "Remote MCP servers and connections of the user who is signed in"),
    ("oauth-proxies", "Issuers of their own in front of upstream services"),
    ("schedule", "For deployments with a clock of their own"),
    ("server", "The server itself"),
)

NOT_DESCRIBED: Final = {
    "page": "a page for people",
    "hop": "where an upstream service sends a browser back to",
    "diagnosis": "for the operator's own command alone; to everybody else it does not exist",
}
"""Why a route of the public listener is not in the document."""

LEFT_OUT: Final[dict[str, str]] = {
    "/": "page",
    "/account": "page",
    "/account/remove-access": "page",
    "/consent": "page",
    "/consent/grant": "page",
    "/consent/proxy": "page",
    "/consent/proxy/remove": "page",
    "/connect/{provider}": "page",
    "/connections": "page",
    "/connections/{provider}": "page",
    "/connections/{provider}/disconnect": "page",
    "/docs/errors": "page",
    "/livez/arrival": "diagnosis",
    "/login": "page",
    "/logout": "page",
    "/mcp-servers": "page",
    "/mcp-servers/{key}/connect": "page",
    "/mcp-servers/{key}/disconnect": "page",
    "/mcp-servers/{key}/remove": "page",
    "/oidc/start": "page",
    "/oidc/sign-out": "page",
    "/api/oauth/callback": "hop",
    "/api/v1/oauth/callback": "hop",
    "/connect/{provider}/callback": "hop",
    "/oidc/callback": "hop",
    "/oidc/callback/{provider}": "hop",
}

_METADATA: Final = open_members(
    {"client_id": TEXT, "redirect_uris": many(TEXT)}, {"client_name": TEXT}
)


def _health(name: str, summary: str, good: str, bad: str) -> dict[str, Any]:
    shown = members({"status": one_of(good, bad), "time": MOMENT, "db": one_of("ok", "error")})
    answers = {
        "200": json_answer(shown, "The database answers."),
        "503": json_answer(shown, "The database does not answer in time."),
    }
    return {"get": operation(name, summary, tag="server", answers=answers)}


def _own_client(name: str, **options: Any) -> dict[str, Any]:
    answers = {"200": json_answer(named("OwnClientMetadata"), "The document.")}
    about = "The metadata document of this server as a client of others."
    return {"get": operation(name, about, tag="discovery", answers=answers, **options)}


PATHS: Final[dict[str, Any]] = {
    **authorization.PATHS,
    **tokens.PATHS,
    **registration.PATHS,
    **discovery.PATHS,
    **servers.PATHS,
    **proxies.PATHS,
    "/oauth/client-metadata.json": _own_client("own_client"),
    "/oauth/client-metadata/{slug}.json": _own_client(
        "own_client_of_provider", parameters=[in_path("slug")], refused=(404, 503)
    ),
    "/health": _health("health", "Whether the database answers within five seconds.", "ok",
                       "degraded"),
    "/ready": _health("ready", "Whether the database answers within three seconds.", "ready",
                      "not_ready"),
    **about_itself("public interface"),
}  # fmt: skip
SCHEMAS: Final[dict[str, Schema]] = {
    **tokens.SCHEMAS,
    **registration.SCHEMAS,
    **discovery.SCHEMAS,
    **servers.SCHEMAS,
    **proxies.SCHEMAS,
    "OwnClientMetadata": _METADATA,
}


@cache
def public_document(issuer: str = "") -> dict[str, Any]:
    """The document. The same object each time: nobody may change it."""
    return document(
        title="Public interface",
        about=ABOUT,
        issuer=issuer,
        paths=PATHS,
        schemas=SCHEMAS,
        security_schemes={
            **schemes(),
            servers.CRON: {
                "type": "http",
                "scheme": "bearer",
                "description": "`AUTHPLANE_BROKER_CRON_SECRET`: the scheduler's secret.",
            },
        },
        tags=TAGS,
    )
