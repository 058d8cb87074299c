"""A protected MCP server in a process of its own: `python -m demo.mcp_server ISSUER PORT`."""

from __future__ import annotations

import sys

import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer

from demo.resource_server import TokenVerifier


def build(*, issuer: str, resource: str) -> MCPServer:
    """A server with one tool that tells the caller who it is."""
    server: MCPServer = MCPServer(
        "Protected notes",
        token_verifier=TokenVerifier(issuer=issuer, resource=resource),
        auth=AuthSettings(
            # As strings: a URL object would append a slash, and clients compare issuers exactly.
            issuer_url=issuer,  # type: ignore[arg-type]
            resource_server_url=resource,  # type: ignore[arg-type]
            required_scopes=["notes:read"],
            validate_token_resource=True,
        ),
        log_level="WARNING",
    )

    @server.tool()
    def who_am_i() -> str:
        """The user behind the access token, as the server learned it from the token alone."""
        token = get_access_token()
        assert token is not None  # noqa: S101 - the middleware let nobody in without one
        return f"user {token.subject} through client {token.client_id}, {' '.join(token.scopes)}"

    return server


def main(issuer: str, port: int) -> None:
    """Serves until it is stopped."""
    server = build(issuer=issuer, resource=f"http://localhost:{port}/mcp")
    uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
