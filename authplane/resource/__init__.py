"""Protect an API or an MCP server with tokens of an OAuth authorization server.

The package needs `httpx`, `pyjwt` and `cryptography`, and nothing of the authorization server: it
may be copied into another project under any name. `asgi` wraps ASGI applications (Starlette, an
MCP server), `for_django` views, `for_mcp` adapts to the `mcp` package.
"""

from .config import Introspection, Mode, Protection
from .errors import Refused, Unavailable
from .replay import MemoryReplay
from .request import Incoming
from .server import ResourceServer
from .token import Token

__all__ = [
    "Incoming",
    "Introspection",
    "MemoryReplay",
    "Mode",
    "Protection",
    "Refused",
    "ResourceServer",
    "Token",
    "Unavailable",
]
