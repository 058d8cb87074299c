"""No URL that a server names makes this one call where it must not (D8.10, each call site)."""

from __future__ import annotations

import pytest

from authplane.core import clock, pinned
from broker.models import UpstreamConfig
from broker.remote import connecting, registration
from broker.remote.configuration import configured
from broker.remote.errors import DiscoveryFailed
from broker.upstream.base import NotSent
from broker.upstream.registry import adapter_for_server
from tests.support.servers import make_server

pytestmark = pytest.mark.django_db

HOSTS = ["[::ffff:a9fe:a9fe]", "10.0.0.1", "rebinding.example"]
"""A few of them: tests/security/test_ssrf_matrix.py has them all."""


@pytest.fixture
def dialled(monkeypatch):
    """Where connections went. Names have one public and one private address."""
    resolve, tried = pinned.look_up, []

    def look_up(host, port):
        return ["93.184.216.34", "10.0.0.1"] if host.endswith(".example") else resolve(host, port)

    connect = pinned.httpcore.SyncBackend.connect_tcp

    def counted(self, host, *arguments):
        tried.append(host)
        return connect(self, host, *arguments)

    monkeypatch.setattr(pinned, "look_up", look_up)
    monkeypatch.setattr(pinned.httpcore.SyncBackend, "connect_tcp", counted)
    return tried


def code_of(server) -> str:
    with pytest.raises(DiscoveryFailed) as failed:
        configured(server, now=clock.now())
    return failed.value.code


def stays(dialled) -> bool:
    return set(dialled) <= {"127.0.0.1"}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_the_server_itself(user, remote, dialled, host, scheme):
    assert code_of(make_server(user, f"{scheme}://{host}/mcp")) == "unreachable"
    assert not dialled


@pytest.mark.parametrize("host", HOSTS)
def test_the_metadata_of_a_challenge(server, remote, dialled, host):
    remote.challenge = f'Bearer resource_metadata="https://{host}/metadata"'
    remote.documents = {}
    assert code_of(server) == "unreachable"
    assert stays(dialled)


@pytest.mark.parametrize("host", HOSTS)
def test_the_authorization_server(server, remote, dialled, host):
    remote.resource_overrides = {"authorization_servers": [f"https://{host}"]}
    remote.publish()
    assert code_of(server) == "unreachable"
    assert stays(dialled)


@pytest.mark.parametrize("host", HOSTS)
def test_registration_token_and_revocation(server, remote, dialled, host):
    elsewhere = f"https://{host}/x"
    remote.server_overrides = {"registration_endpoint": elsewhere}
    remote.publish()
    assert code_of(server) == "registration_failed"
    remote.server_overrides = {"token_endpoint": elsewhere, "revocation_endpoint": elsewhere}
    remote.publish()
    UpstreamConfig.objects.update(fresh_until=None)
    adapter = adapter_for_server(configured(server, now=clock.now()))
    with pytest.raises(NotSent):
        adapter.exchange_code("c", verifier="v", redirect_uri=connecting.callback_url())
    with pytest.raises(NotSent):
        adapter.refresh("rt-0")
    assert not adapter.revoke("rt-0", hint="refresh_token")
    registration.unregister(
        registration.Registered(
            client_id="c", method="none", management_url=elsewhere, management_token="t"
        )
    )
    assert stays(dialled)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(server, remote, status):
    remote.resource_overrides = {"resource": remote.mcp}
    remote.redirects = {"/.well-known/oauth-protected-resource/mcp": status}
    assert code_of(server) == "no_metadata"
    assert "/moved" not in remote.fetched


def test_urls_for_people_in_headers_and_bodies_are_not_used(server, remote):
    """Older servers name a page to open there; anybody could send users anywhere with it."""
    remote.documents = {}
    assert code_of(server) == "no_metadata"
    assert UpstreamConfig.objects.filter(authorization_endpoint__contains="evil").count() == 0


def test_metadata_of_any_size_are_not_read(server, remote):
    remote.resource_overrides = {"padding": "x" * 300_000}
    remote.publish()
    assert code_of(server) == "unreachable"
