"""Error codes of the routes about remote MCP servers, explained as `error_reference` has it."""

from __future__ import annotations

from typing import Final

_NO: Final = "No"
_MAKER: Final = "Tell whoever runs the MCP server."
_LATER: Final = "After Retry-After seconds"
_CONNECT: Final = "Send the user through /api/oauth/initiate, or to /mcp-servers."

SERVERS: Final[dict[str, tuple[int, str, str, str, str]]] = {
    "client_not_configured": (
        500, "this server has no key to keep credentials under",
        "Accounts cannot be connected, because their tokens could not be stored sealed.",
        _NO, "Operators set AUTHPLANE_DATA_ENCRYPTION_KEY.",
    ),
    "foreign_endpoint": (
        500, "its authorization server sends users to a host that is not its own",
        "The metadata of the MCP server's authorization server name endpoints of somebody else.",
        _NO, _MAKER,
    ),
    "no_auth_required": (
        404, "the server can be used without an account",
        "There is nothing to connect: the MCP server asks for no token.",
        _NO, "Use the server without a token.",
    ),
    "no_client": (
        500, "its authorization server needs a client that an administrator registers",
        "Its authorization server neither takes client metadata documents nor registers clients.",
        _NO, "An operator registers a client there and makes a provider of the protocol mcp.",
    ),
    "no_metadata": (
        500, "nothing says which authorization server the server has",
        "The MCP server wants a token and publishes no metadata about where to get one.",
        _NO, _MAKER,
    ),
    "no_refresh_token": (
        400, "there is no refresh token; connect the server again",
        "Nothing is connected at the server, or what is connected cannot be renewed.",
        _NO, _CONNECT,
    ),
    "pkce_unsupported": (
        500, "its authorization server does not support PKCE with S256",
        "Without PKCE a code could be used by whoever sees it, so the server is not connected.",
        _NO, _MAKER,
    ),
    "refresh_in_progress": (
        503, "another request refreshes this connection",
        "The token is being renewed for somebody else, and that takes longer than usual.",
        _LATER, "Repeat the same request.",
    ),
    "registration_failed": (
        500, "its authorization server did not register this server as a client",
        "The MCP server's authorization server refused to make us its client.",
        "Later", _MAKER,
    ),
    "service_not_configured": (
        500, "Service not configured",
        "The routes for an outside scheduler are closed.",
        _NO, "Operators set CRON_SECRET, or leave the work to the built-in schedule.",
    ),
    "token_reuse_detected": (
        409, "the refresh token may have been used twice; everything was revoked, connect again",
        "An earlier refresh has no known outcome: its token may be in other hands, and was ended.",
        _NO, _CONNECT,
    ),
    "unreachable": (
        500, "the server or its authorization server does not answer, or may not be called",
        "It is down, slow, or at a private address that operators have not allowed.",
        "Later", _MAKER,
    ),
    "upstream_refused": (
        500, "the authorization server refused the refresh token",
        "The user, or the service, has ended the access that was granted.",
        _NO, _CONNECT,
    ),
    "upstream_unavailable": (
        500, "the authorization server gave no token",
        "It could not be reached, or did not answer as agreed.",
        _LATER, "Repeat the same request.",
    ),
    "wrong_issuer": (
        500, "its authorization server's metadata name another issuer",
        "The metadata were not published by the issuer that they name.",
        _NO, _MAKER,
    ),
    "wrong_resource": (
        500, "its metadata are about another resource",
        "The metadata of the MCP server name another server than the one that was added.",
        _NO, "Add the server by the URL that its metadata name.",
    ),
}  # fmt: skip
"""By code: status, description, meaning, whether to try again, what to do."""
