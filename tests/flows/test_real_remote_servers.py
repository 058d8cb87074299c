"""A remote MCP server is connected whose authorization server is one that others wrote."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from authplane.core import clock
from broker.connections.credentials import credential_of
from broker.models import Connection, ProviderConfig, UpstreamConfig
from broker.vault.sealing import open_text
from oauth.resources import fronting
from tests.support.connecting import OWN_PAGE, Browser, make_forge
from tests.support.exchanging import make_delegation
from tests.support.factories import make_link, make_user, person
from tests.support.real_upstreams import RealServer, Registration
from tests.support.remote import RemoteServer, make_mcp_provider
from tests.support.servers import Page
from tests.support.upstream import ALLOWED

pytestmark = pytest.mark.server

SERVERS = [
    pytest.param("oidc_provider", marks=pytest.mark.node),
    "glewlwyd",
    "second_server",
]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> RealServer:
    return request.getfixturevalue(request.param)


@pytest.fixture
def tools(server: RealServer, tool_server: RemoteServer, override_config: Any) -> RemoteServer:
    """An MCP server that sends its clients to the real authorization server."""
    override_config(broker=ALLOWED)
    tool_server.resource_overrides = {
        "authorization_servers": [server.issuer],
        "scopes_supported": ["read", "write"],
    }
    tool_server.publish()
    return tool_server


def our_client(row: ProviderConfig | UpstreamConfig) -> Registration:
    """What we registered ourselves as."""
    place: dict[str, Any] = {"table": row._meta.db_table, "row": row.pk}
    secret = ""
    if row.secret_sealed is not None:
        secret = open_text(row.secret_sealed, **place, column="secret_sealed")
    return Registration(row.client_id, secret, row.token_endpoint_auth_method)


def test_discovered_registered_at_connected_and_used(server, tools, scene):
    delegation = make_delegation(scene)
    files = make_forge(
        make_mcp_provider(tools.mcp, slug="elsewhere"),
        slug="files",
        scopes=[{"name": "read"}, {"name": "write"}],
    )
    make_link(delegation.front, files, {"read": ["read"], "write": ["read", "write"]})
    fronting.drop()
    browser = Browser(scene.client.sibling(), scene.person)
    browser.sign_in()

    def vended() -> str:
        answer = delegation.gateway.exchange(subject, resource="files", scope="read")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    left = browser.get(browser.link("elsewhere"))
    assert left.status_code == 303, left.text
    asked = dict(parse_qsl(urlsplit(left.headers["location"]).query))
    assert (tools.mcp, "S256") == (asked["resource"], asked["code_challenge_method"])
    arrived = urlsplit(server.browse(left.headers["location"]))
    back = browser.get(f"{arrived.path}?{arrived.query}")
    assert OWN_PAGE == back.headers.get("location"), back.text

    subject = delegation.subject_token()
    client = our_client(ProviderConfig.objects.get())
    before = credential_of(Connection.objects.get())["refresh_token"]
    token = vended()
    assert server.is_active(client, token)
    Connection.objects.update(access_sealed=None, access_expires_at=None)
    assert server.is_active(client, vended())
    assert server.refreshes(client)
    after = credential_of(Connection.objects.get())["refresh_token"]
    assert after != before
    assert server.is_active(client, after)


def test_a_user_adds_it_connects_it_and_ends_it(
    server, tools, oauth, django_capture_on_commit_callbacks
):
    page = Page(oauth, person(make_user()))
    page.sign_in()
    key = page.add(tools.mcp)["uuid"]

    begun = page.initiate(key)
    assert begun.status_code == 200, begun.text
    arrived = urlsplit(server.browse(begun.json()["authorizationUrl"]))
    back = page.get(f"{arrived.path}?{arrived.query}")
    assert "oauth_success=true" in back.headers["location"]
    client = our_client(UpstreamConfig.objects.get())
    first = credential_of(Connection.objects.get())["refresh_token"]
    assert server.is_active(client, first)

    Connection.objects.update(access_expires_at=clock.now())
    renewed = page.refresh(key)
    assert renewed.status_code == 200, renewed.text
    second = credential_of(Connection.objects.get())["refresh_token"]
    assert second != first
    assert server.is_active(client, second)

    with django_capture_on_commit_callbacks(execute=True):
        assert page.send("DELETE", f"/api/connections/{Connection.objects.get().pk}").is_success
    assert not server.is_active(client, second)
