"""A person with remote MCP servers at the JSON routes of this server's own site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.support.connecting import Browser

if TYPE_CHECKING:
    import httpx

    from broker.models import Connection, UpstreamServer

SAME = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "Sec-Fetch-Site": "same-origin",
}


@dataclass
class Page(Browser):
    """A browser whose scripts call the routes of the site."""

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """The answer to a request as a page of this site makes it; `headers` replace its own."""
        return self.client.http.request(
            method, path, json={} if body is None else body, headers=headers or SAME
        )

    def add(self, url: str, **members: Any) -> dict[str, Any]:
        """The server, added."""
        answer = self.send("POST", "/api/servers", {"url": url} | members)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def initiate(self, uuid: str, **members: Any) -> httpx.Response:
        return self.send("POST", "/api/oauth/initiate", {"serverUuid": uuid} | members)

    def refresh(self, uuid: str) -> httpx.Response:
        return self.send("POST", "/api/oauth/refresh", {"serverUuid": uuid})


def make_server(
    user: Any, url: str = "https://mcp.example.com/mcp", **fields: Any
) -> UpstreamServer:
    """A server of the user's in the default profile, past the check of its URL."""
    from broker.models import UpstreamServer
    from broker.servers.services import default_profile

    return UpstreamServer.objects.create(profile=default_profile(user), url=url, **fields)


def make_discovered(server: UpstreamServer, upstream_url: str, *, callback: str = "") -> None:
    """Discovery of the server has found the fake upstream service, with a client of ours."""
    from authplane.core import clock
    from broker.models import UpstreamConfig
    from broker.remote.connecting import callback_url
    from broker.vault.sealing import seal_members, seal_text
    from tests.support.upstream import SECRET

    row = UpstreamConfig(
        server=server,
        url=server.url,
        resource_identifier=server.url,
        issuer=upstream_url,
        authorization_endpoint=f"{upstream_url}/authorize",
        token_endpoint=f"{upstream_url}/token",
        revocation_endpoint=f"{upstream_url}/revoke",
        client_id="our-client",
        client_issuer=upstream_url,
        client_source="dcr",
        scopes=["read"],
        token_endpoint_auth_method="client_secret_basic",
        discovered_at=clock.now(),
        fresh_until=clock.now() + timedelta(hours=1),
    )
    place = {"table": "broker_upstreamconfig", "row": row.pk}
    row.secret_sealed = seal_text(SECRET, column="secret_sealed", **place)
    row.registration_sealed = seal_members(
        {"redirect_uri": callback or callback_url()}, column="registration_sealed", **place
    )
    row.save(force_insert=True)


def make_server_connection(server: UpstreamServer, user: Any, **members: Any) -> Connection:
    """The user is connected to the server with `rt-0`."""
    from authplane.core import clock
    from broker.connections.services import store_credential
    from broker.upstream.base import TokenAnswer

    members.setdefault("access_token", "at-0-of-the-upstream")
    members.setdefault("refresh_token", "rt-0")
    members.setdefault("expires_in", 60)
    return store_credential(
        user_id=user.pk,
        server_id=server.pk,
        answer=TokenAnswer(**members),
        requested=("read",),
        now=clock.now(),
    )
