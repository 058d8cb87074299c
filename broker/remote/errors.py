"""Why nothing usable was found out about a remote MCP server."""

from __future__ import annotations

from typing import Final

from broker.upstream.base import NotSent

NO_AUTH_REQUIRED: Final = "no_auth_required"
UNREACHABLE: Final = "unreachable"
NO_METADATA: Final = "no_metadata"
WRONG_RESOURCE: Final = "wrong_resource"
WRONG_ISSUER: Final = "wrong_issuer"
PKCE_UNSUPPORTED: Final = "pkce_unsupported"
FOREIGN_ENDPOINT: Final = "foreign_endpoint"
REGISTRATION_FAILED: Final = "registration_failed"
NO_CLIENT: Final = "no_client"

MEANINGS: Final = {
    NO_AUTH_REQUIRED: "the server can be used without an account",
    UNREACHABLE: "the server or its authorization server does not answer, or may not be called",
    NO_METADATA: "nothing says which authorization server the server has",
    WRONG_RESOURCE: "its metadata are about another resource",
    WRONG_ISSUER: "its authorization server's metadata name another issuer",
    PKCE_UNSUPPORTED: "its authorization server does not support PKCE with S256",
    FOREIGN_ENDPOINT: "its authorization server sends users to a host that is not its own",
    REGISTRATION_FAILED: "its authorization server did not register this server as a client",
    NO_CLIENT: "its authorization server needs a client that an administrator registers",
}
"""Every code there is, and a constant sentence for people."""


class DiscoveryFailed(NotSent):
    """The server cannot be connected to. `code` is a key of `MEANINGS`; `why` is for the log."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(f"{code}: {why}" if why else code)
        self.code = code
