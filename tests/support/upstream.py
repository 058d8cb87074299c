"""A service of somebody else's: a real server on loopback that gives out and rotates tokens.

Its switches are members of `Upstream`; what was asked of it stands in `asked`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.background import answering

if TYPE_CHECKING:
    from broker.models import BrokerProvider, Connection

SECRET = "upstream-client-secret-do-not-log"
LEAK = "body-of-the-upstream-do-not-log"


@dataclass
class Upstream:
    """How the service behaves. `url` is its base; `failures` are statuses of the next answers.

    `shape` is standard, form or slack. `drops` closes the connection after reading the request,
    `seconds` passes before each answer. `known` are the refresh tokens it would take.
    """

    url: str = ""
    rotates: bool = True
    gives_refresh: bool = True
    expires_in: int | None = 3600
    scope: str | None = None
    shape: str = "standard"
    drops: bool = False
    seconds: float = 0.0
    failures: list[int] = field(default_factory=list)
    error: str = "invalid_grant"
    known: set[str] = field(default_factory=lambda: {"rt-0"})
    given: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    busy: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    number: Any = field(default_factory=lambda: itertools.count(1))

    def count(self, kind: str) -> int:
        """How often something was asked for: a grant type, or `revoke`."""
        return sum(one["kind"] == kind for one in self.asked)

    def tokens(self) -> set[str]:
        """Every token it ever gave or took: what must stand nowhere in clear."""
        return {*self.given, *self.known, "rt-0"}

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """One request more is being answered."""
        with self.lock:
            self.busy += 1
            self.most_at_once = max(self.most_at_once, self.busy)
        yield
        with self.lock:
            self.busy -= 1

    def answers_of_user(self, asked: dict[str, str]) -> dict[str, dict[str, str]]:
        """What each button of the authorization page answers."""
        state = {"state": asked.get("state", "")}
        return {
            "Allow": {"code": f"code-{uuid.uuid4().hex}"} | state,
            "Deny": {"error": "access_denied"} | state,
        }

    def handles(self, handler: BaseHTTPRequestHandler) -> bool:
        """Whether a more particular service answered the request by itself."""
        return False

    def answer(self, path: str, headers: dict[str, str], form: dict[str, str]) -> tuple[int, Any]:
        """Status and members of the answer to one request."""
        kind = "revoke" if path == "/revoke" else form.get("grant_type", "")
        with self.lock:
            self.asked.append({"kind": kind, "form": form, "headers": headers})
            if kind == "revoke":
                self.revoked.append(form.get("token", ""))
                return 200, {}
            if self.failures:
                status = self.failures.pop(0)
                told = {"error": self.error, "error_description": LEAK} if self.error else {}
                return status, told
            if kind == "refresh_token":
                return self._refreshed(form["refresh_token"])
            return 200, self._issued(refresh=self.gives_refresh)

    def _refreshed(self, presented: str) -> tuple[int, Any]:
        if presented not in self.known:
            return 400, {"error": "invalid_grant", "error_description": LEAK}
        if self.rotates:
            self.known.discard(presented)
        return 200, self._issued(refresh=self.rotates)

    def _issued(self, *, refresh: bool) -> dict[str, Any]:
        number = next(self.number)
        tokens: dict[str, Any] = {"access_token": f"upstream-access-{number}-{uuid.uuid4().hex}"}
        if refresh:
            tokens["refresh_token"] = f"upstream-refresh-{number}-{uuid.uuid4().hex}"
            self.known.add(tokens["refresh_token"])
        self.given += tokens.values()
        if self.expires_in is not None:
            tokens["expires_in"] = self.expires_in
        if self.scope is not None:
            tokens["scope"] = self.scope
        if self.shape == "slack":
            return {"ok": True, "authed_user": {"id": "U1", "token_type": "user", **tokens}}
        return {"token_type": "bearer", **tokens}


Kind = TypeVar("Kind", bound=Upstream)


@contextlib.contextmanager
def running_upstream(**switches: Any) -> Iterator[Upstream]:
    """The service runs until the block ends."""
    with running(Upstream(**switches)) as world:
        yield world


@contextlib.contextmanager
def running(world: Kind) -> Iterator[Kind]:
    """This service runs until the block ends."""
    server = _serve(world)
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    with answering(server):
        yield world


def make_provider(world: Upstream, **config_data: Any) -> BrokerProvider:
    """An OAuth provider that leads to the service; tests allow 127.0.0.1 by `ALLOWED`."""
    from broker.models import BrokerProvider
    from broker.providers import selectors
    from broker.providers.secrets import seal_secret

    number = BrokerProvider.objects.count() + 1
    row = BrokerProvider(
        number=number,
        slug=f"forge-{number}",
        display_name="Forge",
        protocol="oauth",
        config_data={
            "client_id": "our-client",
            "authorize_url": f"{world.url}/authorize",
            "token_url": f"{world.url}/token",
            "revoke_url": f"{world.url}/revoke",
        }
        | config_data,
    )
    row.secret_sealed = seal_secret(row, SECRET)
    row.save()
    selectors.drop()
    return row


def make_connection(provider: BrokerProvider, user: Any, **members: Any) -> Connection:
    """The user is connected with the refresh token `rt-0` and the scopes read and write."""
    from authplane.core import clock
    from broker.connections.services import store_credential
    from broker.upstream.base import TokenAnswer

    members.setdefault("access_token", "at-0-of-the-upstream")
    members.setdefault("refresh_token", "rt-0")
    members.setdefault("expires_in", 3600)
    return store_credential(
        user_id=user.pk,
        provider_id=provider.pk,
        answer=TokenAnswer(**members),
        requested=("read", "write"),
        now=clock.now(),
    )


@contextlib.contextmanager
def rises(metric: str, **labels: str) -> Iterator[None]:
    """The metric is one more after the block than before it."""
    from prometheus_client import REGISTRY

    before = REGISTRY.get_sample_value(metric, labels) or 0
    yield
    assert REGISTRY.get_sample_value(metric, labels) == before + 1


ALLOWED = {"allowed_private_hosts": ("127.0.0.1",)}


def _serve(world: Upstream) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """The page that asks the user; its links are the two answers."""
            if world.handles(self):
                return
            parts = urlsplit(self.path)
            asked = dict(parse_qsl(parts.query))
            with world.lock:
                world.asked.append({"kind": "authorize", "form": asked, "headers": {}})
            back = {
                label: escape(f"{asked['redirect_uri']}?{urlencode(answer)}")
                for label, answer in world.answers_of_user(asked).items()
            }
            links = "".join(f'<p><a href="{url}">{label}</a>' for label, url in back.items())
            page = f"<!doctype html><html lang=en><title>Forge</title><h1>Forge</h1>{links}"
            body = page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            if world.handles(self):
                return
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            is_json = headers.get("content-type") == "application/json"
            form = json.loads(raw) if is_json else dict(parse_qsl(raw))
            with world.at_work():
                time.sleep(world.seconds)
                status, members = world.answer(self.path, headers, form)
            if world.drops:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if world.shape == "form":
                body, kind = urlencode(members).encode(), "application/x-www-form-urlencoded"
            else:
                body, kind = json.dumps(members).encode(), "application/json"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def do_DELETE(self) -> None:
            world.handles(self)

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    return Server(("127.0.0.1", 0), Handler)
