"""Headless Chromium in front of a running server, and a client application to come back to."""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support import factories
from tests.support.background import answering
from tests.support.oauth_client import pkce_pair

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SCREENSHOTS = os.environ.get("AUTHPLANE_SCREENSHOTS", "")

pytest.importorskip("playwright.sync_api")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser; without one it is skipped."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not Path(CHROMIUM).exists():
                item.add_marker(pytest.mark.skip(reason="needs chromium"))


@dataclass
class ClientApp:
    """An application that waits at its redirect URI and remembers what came."""

    url: str
    received: list[dict[str, str]] = field(default_factory=list)

    @property
    def redirect_uri(self) -> str:
        return f"{self.url}/callback"

    @property
    def answer(self) -> dict[str, str]:
        """What the latest authorization response said."""
        return self.received[-1]


PAGE = b"<!doctype html><html lang=en><title>Client</title><h1>Back at the application</h1>"
OPENER = b"""<!doctype html><html lang=en><title>Client</title><h1>Client</h1>
<script>addEventListener("message", event => { document.title = event.data; });</script>"""
POPUP = b"""<!doctype html><html lang=en><title>Callback</title>
<script>window.opener.postMessage("opener heard: " + location.search, "*");</script>"""


def _handler(app: ClientApp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path in {"/callback", "/popup"}:
                query = parse_qs(parts.query, keep_blank_values=True)
                app.received.append({name: values[0] for name, values in query.items()})
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write({"/popup": POPUP, "/opener": OPENER}.get(parts.path, PAGE))

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    return Handler


def _serve(app: ClientApp, *, tls: ssl.SSLContext | None = None) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(app))
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    app.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    return server


@pytest.fixture
def client_app() -> Iterator[ClientApp]:
    """A native application on a loopback port."""
    app = ClientApp(url="")
    with answering(_serve(app)):
        yield app


@pytest.fixture
def https_app(tmp_path: Path) -> Iterator[ClientApp]:
    """A web application behind https."""
    app = ClientApp(url="")
    with answering(_serve(app, tls=_self_signed(tmp_path))):
        yield app


def _self_signed(folder: Path) -> ssl.SSLContext:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(tz=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "app.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@dataclass
class World:
    """A server with a user, a resource and clients; `link` is where a client sends the browser."""

    url: str
    email: str
    password: str
    resource: str

    def link(self, client_id: str, redirect_uri: str, **parameters: str) -> str:
        _, challenge = pkce_pair()
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": self.resource,
            "scope": "read write",
            "state": "the state",
        } | parameters
        return f"{self.url}/oauth/authorize?{urlencode(query)}"


@pytest.fixture
def world(live_server: Any, override_config: Callable[..., Any]) -> World:
    """The server answers at a port of its own, which is also its issuer."""
    override_config(server={"issuer": live_server.url})
    user = factories.make_user(email="ada@example.com")
    resource = factories.make_resource(
        slug="notes",
        uri="https://notes.example.com/mcp",
        display_name="Team Notes",
        scopes=[
            {"name": "read", "description": "Read your notes and their titles.", "default": True},
            {"name": "write", "description": "Create, change and delete your notes."},
        ],
    )
    return World(live_server.url, user.email or "", factories.PASSWORD, resource.uri)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser, started once per module.

    Its event loop runs in this thread, which Django would take for an async context, and which
    other modules' own loops could not bear.
    """
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """`open_page(**context options)`: a tab in a browser profile of its own."""
    contexts = []

    def open_one(**options: Any) -> Any:
        options.setdefault("viewport", {"width": 1000, "height": 900})
        context = chromium.new_context(ignore_https_errors=True, **options)
        context.set_default_timeout(30_000)
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    """A tab in a browser that runs no script: every page has to work like that."""
    return open_page(java_script_enabled=False)


def sign_in(page: Any, world: World, *, password: str | None = None) -> None:
    """The person at the sign-in page fills in the form and sends it."""
    page.get_by_label("E-mail address").fill(world.email)
    page.get_by_label("Password").fill(world.password if password is None else password)
    page.get_by_role("button", name="Sign in").click()


def keep_picture(page: Any, name: str) -> None:
    """A screenshot, where `AUTHPLANE_SCREENSHOTS` names a folder for them."""
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)
