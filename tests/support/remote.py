"""A remote MCP server that is its own authorization server: a real one on loopback."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.support.upstream import LEAK, Upstream, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broker.models import BrokerProvider

SECRET = "registered-secret-do-not-log"
MANAGEMENT = "registration-access-token-do-not-log"
PLACES = ("oauth-authorization-server", "openid-configuration")


@dataclass
class RemoteServer(Upstream):
    """How the server and its authorization server behave.

    `path` is the MCP server's, `tenant` the issuer's. `status` is what `initialize` gets, or
    `streams` for an answer that does not end. `documents` is every document there is, by path:
    `publish` fills it, tests take some away or put others there. `registered` are the metadata
    that were registered.
    """

    path: str = "/mcp"
    tenant: str = ""
    status: int = 401
    streams: bool = False
    challenge: str = 'Bearer resource_metadata="{prm}"'
    places: tuple[str, ...] = PLACES[:1]
    resource_overrides: dict[str, Any] = field(default_factory=dict)
    server_overrides: dict[str, Any] = field(default_factory=dict)
    registration: dict[str, Any] = field(default_factory=dict)
    registration_status: int = 201
    cache: str = ""
    documents: dict[str, Any] = field(default_factory=dict)
    redirects: dict[str, int] = field(default_factory=dict)
    registered: list[dict[str, Any]] = field(default_factory=list)
    unregistered: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def mcp(self) -> str:
        """The URL that users add."""
        return f"{self.url}{self.path}"

    @property
    def issuer(self) -> str:
        """Who gives out tokens."""
        return f"{self.url}{self.tenant}"

    @property
    def prm(self) -> str:
        """Where the challenge says that the server's metadata are."""
        return f"{self.url}/.well-known/oauth-protected-resource{self.path}"

    def publish(self) -> None:
        """The documents are where the switches say."""
        resource = {
            "resource": self.mcp,
            "authorization_servers": [self.issuer],
            "scopes_supported": ["openid", "read", "write", "offline_access"],
        }
        self.documents = {urlsplit(self.prm).path: _less(resource | self.resource_overrides)}
        server = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "revocation_endpoint": f"{self.url}/revoke",
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            "authorization_response_iss_parameter_supported": False,
        }
        for place in self.places:
            at = place if place.startswith("/") else f"/.well-known/{place}{self.tenant}"
            self.documents[at] = _less(server | self.server_overrides)

    def handles(self, handler: BaseHTTPRequestHandler) -> bool:
        path = urlsplit(handler.path).path
        if handler.command == "GET":
            if path == "/authorize":
                return False
            with self.lock:
                self.fetched.append(path)
            if status := self.redirects.get(path):
                self._answer(handler, status, {}, {"Location": f"{self.url}/moved"})
            else:
                self._answer(handler, *self._document(path), {"Cache-Control": self.cache})
            return True
        if handler.command == "DELETE":
            with self.lock:
                self.unregistered.append(path)
            self._answer(handler, 204, {}, {})
            return True
        if path == (self.path or "/"):
            self._initialize(handler)
            return True
        if path == "/register":
            self._register(handler)
            return True
        return False

    def _document(self, path: str) -> tuple[int, Any]:
        found = self.documents.get(path)
        return (404, {"error": LEAK}) if found is None else (200, found)

    def _initialize(self, handler: BaseHTTPRequestHandler) -> None:
        asked = _body(handler)
        with self.lock:
            self.asked.append({"kind": asked.get("method"), "form": asked, "headers": {}})
        if self.streams:
            handler.send_response(self.status)
            handler.send_header("Content-Type", "text/event-stream")
            handler.end_headers()
            handler.wfile.flush()
            self.ended.wait(20)
            return
        headers = {"WWW-Authenticate": self.challenge.format(prm=self.prm)}
        if self.status != 401 or not self.challenge:
            headers = {}
        evil = {"authorization_url": "https://evil.example/", "error": {"oauth_url": LEAK}}
        self._answer(handler, self.status, evil, headers | {"X-OAuth-URL": "https://evil.example"})

    def _register(self, handler: BaseHTTPRequestHandler) -> None:
        document = _body(handler)
        with self.lock:
            self.asked.append({"kind": "register", "form": document, "headers": {}})
            self.registered.append(document)
            number = len(self.registered)
        made = document | {
            "client_id": f"client-{number}",
            "client_secret": SECRET,
            "client_secret_expires_at": 0,
            "registration_access_token": MANAGEMENT,
            "registration_client_uri": f"{self.url}/register/client-{number}",
        }
        status = self.registration_status
        self._answer(handler, status, _less(made | self.registration), {})

    def _answer(
        self, handler: BaseHTTPRequestHandler, status: int, members: Any, headers: dict[str, str]
    ) -> None:
        body = b"" if status == HTTPStatus.NO_CONTENT else json.dumps(members).encode()
        handler.send_response(status)
        for name, value in headers.items():
            if value:
                handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(body)


@contextlib.contextmanager
def running_remote(**switches: Any) -> Iterator[RemoteServer]:
    """The server runs until the block ends."""
    with running(RemoteServer(**switches)) as world:
        world.publish()
        try:
            yield world
        finally:
            world.ended.set()


def make_mcp_provider(url: str, *, slug: str = "tools", **config_data: Any) -> BrokerProvider:
    """A provider that leads to the MCP server at this URL."""
    from broker.providers.services import create_provider

    return create_provider(
        {
            "slug": slug, "display_name": "Tools", "protocol": "mcp",
            "config_data": {"url": url} | config_data,
        }
    )  # fmt: skip


def _less(members: dict[str, Any]) -> dict[str, Any]:
    """Without what a test took away by setting it to None."""
    return {name: value for name, value in members.items() if value is not None}


def _body(handler: BaseHTTPRequestHandler) -> dict[str, Any]:
    raw = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    found: dict[str, Any] = json.loads(raw or b"{}")
    return found
