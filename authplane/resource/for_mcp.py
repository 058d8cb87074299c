"""Protect a server of the `mcp` package, tool by tool.

`protect` stands before the HTTP application of an MCP server and sees each request whole: proofs
of possession, and which tool is called. `TokenVerifier` is for servers that keep the package's own
check, which shows bearer tokens alone and cannot say which scope is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from .asgi import App, Guard, Message, Receive, Scope, Send
from .errors import Refused, Unavailable, bad_request
from .server import ResourceServer
from .token import Token

MAX_MESSAGE: Final = 4 * 1024 * 1024
"""Bytes of a request body; what is longer is refused before it is read to its end."""


def protect(
    app: App,
    *,
    server: ResourceServer,
    tool_scopes: Mapping[str, tuple[str, ...]] | None = None,
    public: tuple[str, ...] = (),
) -> App:
    """The MCP application behind a guard.

    `tool_scopes` names what a tool needs besides the scopes of the configuration: a call without
    them is answered with 403 and a challenge, upon which MCP clients ask their user for more. A
    tool finds its caller by `mcp`'s own `get_access_token()`.
    """
    inner: App = AuthContextMiddleware(app)
    return Guard(ToolGate(inner, tool_scopes=tool_scopes or {}, server=server), server=server,
                 public=public)  # fmt: skip


class ToolGate:
    """Reads which tools a message calls, and hands the message on unread."""

    def __init__(
        self, app: App, *, tool_scopes: Mapping[str, tuple[str, ...]], server: ResourceServer
    ) -> None:
        self._app, self._tool_scopes = app, dict(tool_scopes)
        self._base = server.protection.scopes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises: Refused, which the guard around it answers."""
        token: Token | None = scope.get("state", {}).get("token")
        if scope["type"] != "http" or token is None:
            await self._app(scope, receive, send)
            return
        scope["user"] = AuthenticatedUser(access_token_of(token))
        if scope["method"] == "POST" and self._tool_scopes:
            body = await _whole_body(receive)
            self._require(token, body=body)
            receive = _again(body, receive)
        await self._app(scope, receive, send)

    def _require(self, token: Token, *, body: bytes) -> None:
        """The token carries what every called tool needs.

        The challenge names all of it, so that one question to the user suffices.
        """
        needed: dict[str, None] = {}
        for name in called_tools(body):
            needed |= dict.fromkeys(self._tool_scopes.get(name, ()))
        if not token.has(*needed):
            token.require(*dict.fromkeys((*self._base, *needed)))


class TokenVerifier:
    """For `MCPServer(token_verifier=...)`: bearer tokens, verified offline."""

    def __init__(self, server: ResourceServer) -> None:
        self._server = server

    async def verify_token(self, token: str) -> AccessToken | None:
        """The token; None for one that must not be accepted, whatever the reason."""
        try:
            return access_token_of(await self._server.averify_bearer(token))
        except (Refused, Unavailable):
            return None


def access_token_of(token: Token) -> AccessToken:
    """The token in the package's own form."""
    return AccessToken(
        token=token.value,
        client_id=token.client_id,
        scopes=list(token.scopes),
        expires_at=token.expires_at,
        resource=token.resource,
        subject=token.subject,
        claims=dict(token.claims),
    )


def called_tools(body: bytes) -> list[str]:
    """The names of the tools that a JSON-RPC message, or a batch of them, calls.

    A message that two readers may understand differently is refused: the one behind us might
    find another tool in it.

    Raises: Refused.
    """
    try:
        message = json.loads(body.decode("utf-8"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        raise bad_request("the message is not plain JSON") from None
    calls = message if isinstance(message, list) else [message]
    return [name for call in calls if (name := _tool_of(call))]


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _tool_of(call: Any) -> str:
    if not isinstance(call, dict) or call.get("method") != "tools/call":
        return ""
    parameters = call.get("params")
    name = parameters.get("name") if isinstance(parameters, dict) else None
    return name if isinstance(name, str) else ""


async def _whole_body(receive: Receive) -> bytes:
    """Raises: Refused when it is too long."""
    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > MAX_MESSAGE:
            raise Refused(413, "invalid_request", "the message is too long", "message too long")
        if message["type"] != "http.request" or not message.get("more_body"):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever comes after it."""
    waiting = [body]

    async def repeated() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return repeated
