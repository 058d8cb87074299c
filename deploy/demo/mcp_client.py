"""A real MCP client in a process of its own: `python -m demo.mcp_client SERVER_URL`.

It uses the official package's OAuth provider as it is. Who signs in comes from the environment:
DEMO_EMAIL, DEMO_PASSWORD.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from demo import browser, wire

REDIRECT = "http://127.0.0.1:8765/callback"


class Memory:
    """Keeps tokens and registration for the life of this process."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Person:
    """Opens the authorization URL and hands back what arrived at the redirect URI."""

    def __init__(self) -> None:
        self._answer: dict[str, str] = {}

    async def open(self, url: str) -> None:
        self._answer = await asyncio.to_thread(
            browser.authorize,
            url,
            redirect_uri=REDIRECT,
            email=os.environ["DEMO_EMAIL"],
            password=os.environ["DEMO_PASSWORD"],
        )

    async def answer(self) -> AuthorizationCodeResult:
        return AuthorizationCodeResult(
            code=self._answer.get("code", ""),
            state=self._answer.get("state"),
            iss=self._answer.get("iss"),
        )


async def show_request(request: httpx2.Request) -> None:
    """Print a request that is about to leave."""
    wire.sent(
        request.method,
        str(request.url),
        authorization=request.headers.get("authorization", ""),
        body=request.content if request.method == "POST" else b"",
    )


async def show_response(response: httpx2.Response) -> None:
    """Print a response; streams are left to their reader."""
    body = b""
    if response.headers.get("content-type", "").startswith(("application/json", "application/pr")):
        body = await response.aread()
    wire.received(
        response.status_code, challenge=response.headers.get("www-authenticate", ""), body=body
    )


def provider_for(server_url: str, memory: Memory) -> OAuthClientProvider:
    """The package's provider, with a person who can click."""
    person = Person()
    return OAuthClientProvider(
        server_url=server_url,
        client_metadata=OAuthClientMetadata(
            client_name="authplane demo client",
            redirect_uris=[AnyUrl(REDIRECT)],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
            token_endpoint_auth_method="none",  # noqa: S106 - the name of a method
            scope="notes:read",
        ),
        storage=memory,
        redirect_handler=person.open,
        callback_handler=person.answer,
    )


async def call_tool(
    server_url: str, http: httpx2.AsyncClient, name: str = "who_am_i", **arguments: str
) -> str:
    """The tool's answer over a fresh MCP session."""
    async with (
        streamable_http_client(server_url, http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        result = await session.call_tool(name, arguments)
    text = " ".join(getattr(part, "text", "") for part in result.content)
    if getattr(result, "is_error", False) or "user " not in text:
        raise RuntimeError(f"the tool call failed: {text}")
    return text


async def main(server_url: str) -> None:
    """Call, let the token run out, call again, call for more. Raises when any step fails."""
    memory = Memory()
    provider = provider_for(server_url, memory)
    hooks = {"request": [show_request], "response": [show_response]}
    timeout = httpx2.Timeout(30.0)
    async with httpx2.AsyncClient(auth=provider, event_hooks=hooks, timeout=timeout) as http:
        wire.step(3, "Client: call a tool without a token, and find the way from there")
        wire.say(f"   == {await call_tool(server_url, http)}")
        first = memory.tokens
        wire.step(4, "Client: the access token has run out (we set its clock forward)")
        provider.context.token_expiry_time = time.time() - 1
        wire.say(f"   == {await call_tool(server_url, http)}")
        second = memory.tokens
        wire.step(5, "Client: call a tool that needs more scope; the user is asked for it")
        wire.say(f"   == {await call_tool(server_url, http, 'add_note', text='milk')}")
    if second is None or memory.tokens is None or "notes:write" not in (memory.tokens.scope or ""):
        raise RuntimeError("the client did not step up")
    if first is None or first.access_token == second.access_token:
        raise RuntimeError("the client did not refresh its token")
    if first.refresh_token == second.refresh_token:
        raise RuntimeError("the refresh token was not rotated")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
