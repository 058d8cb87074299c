"""Services that other people wrote: accounts are connected, used and disconnected over HTTP."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection as database

from authplane.core import clock
from broker.connections.credentials import credential_of
from broker.models import BrokerProvider, Connection
from broker.providers.private_keys import public_jwk
from broker.providers.services import patch_provider
from oauth.resources import fronting
from tests.support.connecting import OWN_PAGE, Browser, title_of
from tests.support.exchanging import Delegation, make_delegation
from tests.support.factories import make_link
from tests.support.published import private_key
from tests.support.real_upstreams import RealServer, Registration, make_files, make_provider
from tests.support.upstream import ALLOWED

pytestmark = pytest.mark.server

SERVERS = [
    pytest.param("oidc_provider", marks=pytest.mark.node),
    "glewlwyd",
    "second_server",
]
CALLBACK = "http://localhost:9000/connect/elsewhere/callback"
MANY = 20


@dataclass
class Place:
    """A user of ours with an agent, and a service with an account of theirs."""

    server: RealServer
    client: Registration
    provider: BrokerProvider
    delegation: Delegation
    browser: Browser
    subject_token: str

    def connect(self, *, allow: bool = True) -> Any:
        """The answer of our callback, after the user was at the service."""
        url = self.browser.get(self.browser.link("elsewhere")).headers["location"]
        return self.come_back(self.server.browse(url, allow=allow))

    def come_back(self, arrived: str) -> Any:
        assert arrived.startswith(CALLBACK), arrived
        parts = urlsplit(arrived)
        return self.browser.get(f"{parts.path}?{parts.query}")

    def vend(self) -> Any:
        """The agent's token, exchanged for one of the service."""
        return self.delegation.gateway.exchange(self.subject_token, resource="files", scope="read")

    def vended(self) -> str:
        answer = self.vend()
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def refresh_token(self) -> str:
        """The one that is stored now."""
        return str(credential_of(Connection.objects.get())["refresh_token"])

    def listed(self) -> list[dict[str, Any]]:
        answer = self.browser.client.http.get("/connections")
        return list(answer.json())


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> RealServer:
    return request.getfixturevalue(request.param)


@pytest.fixture
def client(server: RealServer) -> Registration:
    return server.register(CALLBACK)


@pytest.fixture
def place(server: RealServer, client: Registration, scene: Any, override_config: Any) -> Place:
    override_config(broker=ALLOWED)
    return make_place(server, client, scene)


def make_place(server: RealServer, client: Registration, scene: Any) -> Place:
    provider = make_provider(server, client, slug="elsewhere")
    delegation = make_delegation(scene)
    files = make_files(server, provider)
    make_link(delegation.front, files, {"read": ["read"], "write": ["read", "write"]})
    fronting.drop()
    browser = Browser(scene.client.sibling(), scene.person)
    browser.sign_in()
    return Place(server, client, provider, delegation, browser, delegation.subject_token())


def test_connected_used_renewed_and_ended(place, django_capture_on_commit_callbacks):
    """The whole life of a connection; what the service itself says is what counts."""
    refused = place.vend().json()
    assert ("consent_required", "elsewhere") == (refused["error"], refused["service_id"])

    assert OWN_PAGE == place.connect().headers["location"]
    (shown,) = place.listed()
    assert ("elsewhere", "active") == (shown["provider"], shown["status"])
    assert set(place.server.scopes) <= set(shown["scopes_granted"])
    first = place.refresh_token()
    assert place.server.is_active(place.client, first)

    token = place.vended()
    assert place.server.is_active(place.client, token)
    assert place.server.subject(token)
    second = place.refresh_token()
    assert second != first
    assert place.server.is_active(place.client, second)

    assert place.vended() != token
    assert 2 == place.server.refreshes(place.client)
    assert place.refresh_token() not in {first, second}

    latest = place.refresh_token()
    headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    with django_capture_on_commit_callbacks(execute=True):
        ended = place.browser.client.http.request(
            "DELETE", "/connections/elsewhere", headers=headers
        )
    assert 204 == ended.status_code
    assert [] == place.listed()
    assert not place.server.is_active(place.client, latest)
    assert "consent_required" == place.vend().json()["error"]


@pytest.mark.parametrize("method", ["client_secret_post", "none"])
def test_other_ways_to_authenticate(place, method):
    place.client = place.server.register(CALLBACK, method=method)
    patch_provider(
        place.provider.pk,
        {
            "config_data": place.provider.config_data
            | {"client_id": place.client.client_id, "token_endpoint_auth_method": method},
            "secret": place.client.secret or None,
        },
    )

    assert OWN_PAGE == place.connect().headers["location"]
    assert place.server.subject(place.vended())


@pytest.mark.parametrize("server", [SERVERS[0], "second_server"], indirect=True)
@pytest.mark.parametrize("kind", ["RS256", "ES256"])
def test_a_client_that_signs(place, kind, django_capture_on_commit_callbacks):
    """Code, refresh and revocation with a key of ours, which is never sent."""
    pem = private_key(kind)
    place.client = place.server.register(
        CALLBACK,
        method="private_key_jwt",
        jwks={"keys": [public_jwk(pem)]},
        token_endpoint_auth_signing_alg=kind,
    )
    members = {"client_id": place.client.client_id, "token_endpoint_auth_method": "private_key_jwt"}
    patch_provider(
        place.provider.pk,
        {"config_data": place.provider.config_data | members, "secret": pem},
    )

    assert OWN_PAGE == place.connect().headers["location"]
    token = place.vended()
    assert place.server.subject(token)
    headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    with django_capture_on_commit_callbacks(execute=True):
        place.browser.client.http.request("DELETE", "/connections/elsewhere", headers=headers)
    answer = place.server.http.get(
        place.server.metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {token}"}
    )
    assert 401 == answer.status_code


def test_openid_is_asked_for_besides(place):
    """Some demand a nonce then, whoever reads the ID token."""
    more = {"extra_scopes": ["openid"]}
    patch_provider(place.provider.pk, {"config_data": place.provider.config_data | more})

    assert OWN_PAGE == place.connect().headers["location"]
    assert place.server.subject(place.vended())


def test_the_user_declines(place):
    if place.server.can_decline:
        back = place.connect(allow=False)
        assert 303 == back.status_code
        assert f"{OWN_PAGE}?error=access_denied" == back.headers["location"]
    else:
        url = place.browser.get(place.browser.link("elsewhere")).headers["location"]
        with pytest.raises(AssertionError, match="it asks again"):
            place.server.browse(url, allow=False)
    assert [] == place.listed()


def test_the_secret_is_wrong(place):
    patch_provider(place.provider.pk, {"secret": "not-the-secret-of-this-client"})

    page = place.connect()

    assert (502, "The service did not complete the connection") == (
        page.status_code, title_of(page),
    )  # fmt: skip
    assert [] == place.listed()


def test_the_user_takes_it_back_at_the_service(place):
    assert OWN_PAGE == place.connect().headers["location"]
    place.server.revoke(place.client, place.refresh_token())

    # One of them answers an empty 400, which says so only when it is said again.
    answers = [place.vend().json()["error"] for _ in range(3)]

    assert "consent_required" == answers[-1]
    (shown,) = place.listed()
    assert "reauth_required" == shown["status"]
    assert OWN_PAGE == place.connect().headers["location"]
    assert place.server.subject(place.vended())


def test_the_service_is_down(place):
    assert OWN_PAGE == place.connect().headers["location"]
    with place.server.process.stopped():
        away = place.vend()
        assert (503, "temporarily_unavailable") == (away.status_code, away.json()["error"])
        assert int(away.headers["Retry-After"]) > 0
        (shown,) = place.listed()
        assert "active" == shown["status"]
    if place.server.has_memory:
        assert place.server.subject(place.vended())


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_many_ask_at_once(place, override_config):
    override_config(broker=ALLOWED | {"keep_access_tokens": True})
    assert OWN_PAGE == place.connect().headers["location"]
    Connection.objects.update(access_expires_at=clock.now())
    barrier = threading.Barrier(MANY)

    def one(_number: int) -> Any:
        gateway = place.delegation.gateway
        try:
            asking = gateway.sibling(
                client_id=gateway.client_id,
                client_secret=gateway.client_secret,
                auth_method=gateway.auth_method,
            )
            barrier.wait(30)
            return asking.exchange(place.subject_token, resource="files", scope="read")
        finally:
            database.close()

    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(one, range(MANY)))

    assert {200} == {each.status_code for each in answers}, [each.text for each in answers]
    assert 1 == len({each.json()["access_token"] for each in answers})
    assert 1 == place.server.refreshes(place.client)
    assert place.vended() in answers[0].text
