"""A proxy in front of the fake upstream service, and a client that goes through it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.oauth_client import pkce_pair

if TYPE_CHECKING:
    import httpx

    from broker.models import BrokerProvider, OAuthProxy
    from tests.support.connecting import Browser

REDIRECT = "https://app.example.com/callback"
TARGET = "https://mcp.example.com/forge"
BASE = "http://localhost:9000"


def make_proxy(provider: BrokerProvider, **fields: Any) -> OAuthProxy:
    """A proxy to the provider, with the scopes read and write."""
    from broker.models import OAuthProxy
    from broker.proxies import selectors

    number = OAuthProxy.objects.count() + 1
    members: dict[str, Any] = {
        "slug": f"forge-{number}",
        "name": "Forge files",
        "provider": provider,
        "target_url": TARGET if number == 1 else f"{TARGET}-{number}",
        "allowed_redirects": [REDIRECT, "http://localhost:*/callback", "vscode://*"],
        "scopes": ["read", "write"],
    }
    row = OAuthProxy.objects.create(**(members | fields))
    selectors.drop()
    return row


@dataclass
class Gateway:
    """A client of one proxy, and the browser of its user."""

    proxy: OAuthProxy
    browser: Browser
    redirect: str = REDIRECT
    client_id: str = ""
    secret: str = ""
    verifier: str = ""
    sent: dict[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"{BASE}{self.root}"

    @property
    def root(self) -> str:
        return f"/api/v1/oauth-proxy/{self.proxy.pk}"

    @property
    def http(self) -> httpx.Client:
        return self.browser.client.http

    def register(self, **members: Any) -> httpx.Response:
        """The answer to a registration; a good one is remembered."""
        document = {"redirect_uris": [self.redirect], "client_name": "Desk"} | members
        answer = self.http.post(f"{self.root}/register", json=document)
        if answer.status_code == 201:
            self.client_id = answer.json()["client_id"]
            self.secret = answer.json().get("client_secret", "")
        return answer

    def ask(self, **parameters: str) -> httpx.Response:
        """The answer of the authorization endpoint."""
        self.verifier, challenge = pkce_pair()
        wanted = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect,
            "state": "of-the-client",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | parameters
        self.sent = {name: value for name, value in wanted.items() if value}
        return self.browser.get(f"{self.root}/authorize?{urlencode(self.sent)}")

    def consent(
        self, asked: httpx.Response, *, action: str = "allow", ticked: set[str] | None = None
    ) -> httpx.Response:
        """The answer to the form behind the redirect to the consent page."""
        assert asked.status_code == 303, asked.text
        page = self.browser.get(asked.headers["location"])
        assert page.status_code == 200, page.text
        return self.browser.client.submit_consent(page, allow=action == "allow", ticked=ticked)

    def hop(self, **parameters: str) -> dict[str, str]:
        """What the browser takes to the service, after the user allowed the client."""
        return left(self.consent(self.ask(**parameters)))

    def code(self, **parameters: str) -> str:
        """A code, by way of the service."""
        back = self.browser.come_back(self.hop(**parameters))
        return answered(back)["code"]

    def token(self, **form: str) -> httpx.Response:
        """The answer of the token endpoint to these fields and the client's credentials."""
        mine = {"client_id": self.client_id, "client_secret": self.secret}
        sent = {name: value for name, value in (mine | form).items() if value}
        return self.http.post(f"{self.root}/token", data=sent)

    def redeem(self, code: str, **form: str) -> httpx.Response:
        """The answer to a redemption."""
        about = {"redirect_uri": self.redirect, "code_verifier": self.verifier}
        return self.token(**({"grant_type": "authorization_code", "code": code} | about | form))

    def refresh(self, token: str) -> httpx.Response:
        """The answer to a refresh."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def tokens(self) -> dict[str, Any]:
        """Tokens, from registration on."""
        if not self.client_id:
            assert self.register().status_code == 201
        answer = self.redeem(self.code())
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def introspect(self, token: str) -> dict[str, Any]:
        """What the proxy says of the token."""
        mine = {"client_id": self.client_id, "client_secret": self.secret, "token": token}
        return dict(self.http.post(f"{self.root}/introspect", data=mine).json())


def left(page: httpx.Response) -> dict[str, str]:
    """The parameters with which a browser goes on to the service, by redirect or by page."""
    if page.status_code == 303:
        url = page.headers["location"]
    else:
        assert page.status_code == 200, page.text
        found = re.search(r'content="0; url=([^"]+)"', page.text)
        assert found, page.text
        url = unescape(found.group(1))
    return dict(parse_qsl(urlsplit(url).query))


def answered(back: httpx.Response) -> dict[str, str]:
    """What the client is told."""
    assert back.status_code == 303, back.text
    return dict(parse_qsl(urlsplit(back.headers["location"]).query))
