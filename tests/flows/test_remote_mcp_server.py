"""A remote MCP server whose authorization server is another instance of this one.

Nothing is set up there but the resource: everything else is discovered and registered.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from authplane.core import clock
from authplane.settings import source
from broker.models import Connection, UpstreamConfig
from tests.support.factories import make_user, person
from tests.support.remote import running_remote
from tests.support.server import ROOT
from tests.support.servers import Page
from tests.support.upstream import ALLOWED

pytestmark = [pytest.mark.server, pytest.mark.django_db]

RESOURCE = """
from oauth.resources.services import create_resource
create_resource({
    "slug": "remote-tools", "uri": %r, "backend_kind": "mint",
    "scopes": [{"name": "read"}, {"name": "write"}],
})
"""


@pytest.fixture
def remote(second_server, override_config):
    """The MCP server; its authorization server knows it as a resource."""
    override_config(broker=ALLOWED)
    with running_remote() as world:
        world.resource_overrides = {"authorization_servers": [second_server.issuer]}
        world.publish()
        _provision(second_server, RESOURCE % world.mcp)
        yield world


def _provision(second_server, script: str) -> None:
    database = second_server.process.log.with_name("second.sqlite3")
    env = dict(os.environ) | dict(source.VARIABLES) | {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.support.live_settings",
        "DATABASE_URL": f"sqlite:///{database}",
        "REDIS_URL": "",
        "AUTHPLANE_SERVER_ISSUER": second_server.issuer,
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", script],
        cwd=ROOT, env=env, check=True,
    )  # fmt: skip
    gives_up = time.monotonic() + 10
    place = f"{second_server.issuer}/.well-known/oauth-protected-resource/remote-tools"
    while httpx.get(place, trust_env=False).status_code != 200:
        assert time.monotonic() < gives_up
        time.sleep(0.2)


def test_by_its_url_alone(oauth, remote, second_server):
    page = Page(oauth, person(make_user()))
    page.sign_in()
    server = page.add(remote.mcp)["uuid"]

    started = page.initiate(server)
    assert started.status_code == 200, started.text
    arrived = urlsplit(second_server.browse(started.json()["authorizationUrl"], allow=True))
    assert "iss" in dict(parse_qsl(arrived.query))
    done = page.get(f"{arrived.path}?{arrived.query}")
    assert "oauth_success=true" in done.headers["location"], done.headers["location"]

    found = UpstreamConfig.objects.get()
    assert (found.issuer, found.client_source) == (second_server.issuer, "dcr")
    assert found.tells_issuer
    row = Connection.objects.get()
    assert set(row.scopes_granted) >= {"read", "write"}
    Connection.objects.update(access_expires_at=clock.now() - timedelta(seconds=1))
    before = bytes(row.credential_sealed)
    assert page.refresh(server).json()["success"] is True
    row.refresh_from_db()
    assert bytes(row.credential_sealed) != before
    assert row.access_expires_at > clock.now()
