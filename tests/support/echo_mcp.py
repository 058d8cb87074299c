"""An MCP server that notes the headers it sees: `python -m tests.support.echo_mcp PORT FOLDER`.

Its tools never answer with a credential: what it saw stands in a file that the test reads.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.transport_security import TransportSecuritySettings

PATIENCE = 5.0


def build(folder: Path) -> Any:
    """The server behind a wrapper that writes down each request's headers."""
    server: MCPServer = MCPServer("Echo", log_level="WARNING")

    @server.tool()
    def hello() -> str:
        """Says hello."""
        return "hello"

    @server.tool()
    async def count(ctx: Context) -> str:
        """Reports progress, and ends when its caller has heard of it."""
        await ctx.report_progress(1, 2)
        for _ in range(int(PATIENCE / 0.05)):
            if (folder / "heard").exists():
                return "streamed"
            await asyncio.sleep(0.05)
        return "buffered"

    app = server.streamable_http_app(
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False)
    )

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            with (folder / "seen.jsonl").open("a") as file:
                file.write(json.dumps(headers) + "\n")
        await app(scope, receive, send)

    return noting


if __name__ == "__main__":
    uvicorn.run(build(Path(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]),
                log_level="warning")  # fmt: skip
