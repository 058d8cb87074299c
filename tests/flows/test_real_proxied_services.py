"""A proxy in front of a service that others wrote: its clients never see the service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest

from broker.connections.credentials import credential_of
from broker.models import Connection
from tests.support.connecting import Browser
from tests.support.factories import make_user, person
from tests.support.proxies import BASE, Gateway, answered, make_proxy
from tests.support.real_upstreams import RealServer, Registration, make_provider
from tests.support.upstream import ALLOWED

pytestmark = pytest.mark.server

SERVERS = [
    pytest.param("oidc_provider", marks=pytest.mark.node),
    "glewlwyd",
    "second_server",
]
CALLBACK = f"{BASE}/api/v1/oauth/callback"


@dataclass
class Place:
    """A proxy to the service, a client of the proxy, and the browser of its user."""

    server: RealServer
    client: Registration
    gateway: Gateway

    def leave(self) -> str:
        """Where the browser goes on to, after the user allowed the client."""
        page = self.gateway.consent(self.gateway.ask(scope=" ".join(self.server.scopes)))
        if page.status_code == 303:
            return str(page.headers["location"])
        found = re.search(r'content="0; url=([^"]+)"', page.text)
        assert found, page.text
        return unescape(found.group(1))

    def come_back(self, arrived: str) -> Any:
        assert arrived.startswith(CALLBACK), arrived
        parts = urlsplit(arrived)
        return self.gateway.browser.get(f"{parts.path}?{parts.query}")


@pytest.fixture(params=SERVERS)
def place(request: pytest.FixtureRequest, oauth: Any, override_config: Any) -> Place:
    override_config(broker=ALLOWED)
    server: RealServer = request.getfixturevalue(request.param)
    client = server.register(CALLBACK)
    proxy = make_proxy(make_provider(server, client, slug="elsewhere"), scopes=list(server.scopes))
    browser = Browser(oauth, person(make_user()))
    browser.sign_in()
    gateway = Gateway(proxy, browser)
    assert gateway.register().status_code == 201
    return Place(server, client, gateway)


def test_the_whole_way(place):
    url = place.leave()
    assert url.startswith(place.server.metadata["authorization_endpoint"])

    told = answered(place.come_back(place.server.browse(url)))

    assert (place.gateway.issuer, "of-the-client") == (told["iss"], told["state"])
    tokens = place.gateway.redeem(told["code"]).json()
    assert set(place.server.scopes) == set(tokens["scope"].split())
    assert place.gateway.introspect(tokens["access_token"])["active"]
    assert not place.server.is_active(place.client, tokens["access_token"])
    again = place.gateway.refresh(tokens["refresh_token"])
    assert again.status_code == 200, again.text
    stored = credential_of(Connection.objects.get())["refresh_token"]
    assert place.server.is_active(place.client, stored)


def test_the_user_declines(place):
    if not place.server.can_decline:
        with pytest.raises(AssertionError, match="it asks again"):
            place.server.browse(place.leave(), allow=False)
    else:
        told = answered(place.come_back(place.server.browse(place.leave(), allow=False)))
        assert ("access_denied", place.gateway.issuer) == (told["error"], told["iss"])
    assert not Connection.objects.exists()


def test_the_service_is_down_when_its_answer_comes(place):
    arrived = place.server.browse(place.leave())
    with place.server.process.stopped():
        back = place.come_back(arrived)

    assert answered(back)["error"] in {"temporarily_unavailable", "server_error"}
    assert not Connection.objects.exists()
