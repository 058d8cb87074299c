"""A person at the browser who connects an account at the fake upstream service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from tests.support import factories
from tests.support.oauth_client import OAuthClient, User

if TYPE_CHECKING:
    from broker.models import BrokerProvider
    from oauth.models import Resource

HTML = {"Accept": "text/html"}
OWN_PAGE = "http://localhost:9000/connections"


@dataclass
class Browser:
    """A browser with cookies, in front of this server. `left` is the latest hop's parameters."""

    client: OAuthClient
    person: User

    def get(self, url: str, **headers: str) -> httpx.Response:
        """The page, or the redirect."""
        return self.client.http.get(url, headers=HTML | headers)

    def sign_in(self) -> None:
        answer = self.client.sign_in(self.person)
        assert answer.status_code == 303, answer.text

    def link(self, provider: str, **parameters: str) -> str:
        return f"/connect/{provider}?{urlencode({'return_url': OWN_PAGE} | parameters)}"

    def leave(self, provider: str, **parameters: str) -> dict[str, str]:
        """The parameters with which the browser arrives at the service."""
        answer = self.get(self.link(provider, **parameters))
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def come_back(self, sent: dict[str, str], **answer: str) -> httpx.Response:
        """The answer of the service, with its state, at the callback it was told."""
        url = urlsplit(sent["redirect_uri"])
        given = {"state": sent["state"]} | (answer or {"code": "a-code"})
        return self.get(f"{url.path}?{urlencode(given)}")

    def connect(self, provider: str, **parameters: str) -> httpx.Response:
        """There and back."""
        return self.come_back(self.leave(provider, **parameters))


def make_forge(provider: BrokerProvider, **fields: Any) -> Resource:
    """A resource that the provider makes the tokens for, under a slug alone."""
    from oauth.resources import selectors

    members: dict[str, Any] = {
        "slug": "forge",
        "uri": "",
        "display_name": "Forge files",
        "backend_kind": "broker",
        "broker_provider": provider.pk,
        "scopes": [{"name": "read"}, {"name": "write", "upstream": "repo:write"}],
    }
    made = factories.make_resource(**(members | fields))
    selectors.drop()
    return made


def title_of(page: httpx.Response) -> str:
    """The page's heading."""
    found = re.search(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    return unescape(found.group(1)) if found else ""
