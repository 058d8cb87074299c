"""Sign-in with identity providers that others wrote, where it goes wrong and where it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from broker.models import FederatedIdentity, IdentityProvider
from broker.signin.services import create_provider, patch_provider
from tests.support.connecting import title_of
from tests.support.oauth_client import OAuthClient
from tests.support.real_upstreams import RealServer, Registration
from tests.support.upstream import ALLOWED

pytestmark = pytest.mark.server

SERVERS = [pytest.param("oidc_provider", marks=pytest.mark.node), "glewlwyd"]
CALLBACK = "http://localhost:9000/oidc/callback/work"
HTML = {"Accept": "text/html"}


@dataclass
class Door:
    """A provider that people sign in with, and a browser of somebody who does."""

    server: RealServer
    client: Registration
    provider: IdentityProvider
    browser: OAuthClient

    def get(self, url: str) -> Any:
        return self.browser.http.get(url, headers=HTML)

    def sign_in(self, *, allow: bool = True, **asked: str) -> Any:
        """The answer of our callback, after the person was at the provider."""
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        left = self.get(f"/oidc/start?provider=work&{query}")
        assert left.status_code == 302, left.text
        arrived = self.server.browse(left.headers["location"], allow=allow)
        assert arrived.startswith(CALLBACK), arrived
        parts = urlsplit(arrived)
        return self.get(f"{parts.path}?{parts.query}")

    def is_signed_in(self) -> bool:
        return bool(self.browser.http.get("/connections").status_code == 200)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> RealServer:
    return request.getfixturevalue(request.param)


@pytest.fixture
def door(server: RealServer, oauth: OAuthClient, override_config: Any) -> Door:
    override_config(broker=ALLOWED)
    client = server.register(CALLBACK, post_logout_redirect_uris=["http://localhost:9000/login"])
    provider = create_provider(
        {
            "slug": "work",
            "display_name": "Work",
            "issuer": server.issuer,
            "client_id": client.client_id,
            "secret": client.secret,
        }
    )
    return Door(server, client, provider, oauth)


def test_the_secret_is_wrong(door):
    patch_provider(door.provider.pk, {"secret": "not-the-secret-of-this-client"})

    page = door.sign_in()

    assert (401, "You were not signed in") == (page.status_code, title_of(page))
    assert not door.is_signed_in()


def test_somebody_declines(door):
    page = door.sign_in(allow=False)

    if door.server.can_decline:
        assert (400, "You were not signed in") == (page.status_code, title_of(page))
        assert not door.is_signed_in()
    else:
        # What can be kept back is who one is beyond the subject, and that is enough to sign in.
        assert 303 == page.status_code
        assert FederatedIdentity.objects.get().user.email is None


def test_the_provider_is_down_when_the_answer_comes(door):
    left = door.get("/oidc/start?provider=work")
    arrived = urlsplit(door.server.browse(left.headers["location"]))
    with door.server.process.stopped():
        page = door.get(f"{arrived.path}?{arrived.query}")

    assert (503, "The identity provider cannot be reached now") == (
        page.status_code, title_of(page),
    )  # fmt: skip
    assert not door.is_signed_in()


def test_signing_out_goes_on_at_the_provider(door):
    assert 303 == door.sign_in().status_code

    left = door.get("/oidc/sign-out?provider=work")

    assert left.headers["location"].startswith(door.server.metadata["end_session_endpoint"])
    page = door.server.http.get(left.headers["location"], follow_redirects=True)
    assert page.status_code == 200, page.text
