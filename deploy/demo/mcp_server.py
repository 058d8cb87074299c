"""A protected MCP server in a process of its own: `python -m demo.mcp_server ISSUER PORT`."""

from __future__ import annotations

import sys

import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import MCPServer

from authplane.resource import Protection, ResourceServer
from authplane.resource.asgi import App
from authplane.resource.for_mcp import protect

READ, WRITE = "notes:read", "notes:write"


def notes() -> MCPServer:
    """Two tools; both know their caller from the token alone."""
    server: MCPServer = MCPServer("Protected notes", log_level="WARNING")
    kept: dict[str, list[str]] = {}

    @server.tool()
    def who_am_i() -> str:
        """The user behind the access token."""
        token = get_access_token()
        assert token is not None  # noqa: S101 - the guard let nobody in without one
        return f"user {token.subject} through client {token.client_id}, {' '.join(token.scopes)}"

    @server.tool()
    def add_note(text: str) -> str:
        """Keeps a note of the user. Needs the scope notes:write."""
        token = get_access_token()
        assert token is not None  # noqa: S101 - as above
        mine = kept.setdefault(token.subject or "", [])
        mine.append(text)
        return f"user {token.subject} has {len(mine)} note(s), {' '.join(token.scopes)}"

    return server


def build(*, issuer: str, resource: str) -> App:
    """The server behind a guard that asks for more scope where a tool needs more."""
    guard = ResourceServer(
        Protection(
            issuer=issuer,
            resource=resource,
            scopes=(READ,),
            scopes_supported=(READ, WRITE),
            name="Protected notes",
        )
    )
    return protect(notes().streamable_http_app(), server=guard, tool_scopes={"add_note": (WRITE,)})


def main(issuer: str, port: int) -> None:
    """Serves until it is stopped."""
    app = build(issuer=issuer, resource=f"http://localhost:{port}/mcp")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
