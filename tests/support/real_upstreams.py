"""pytest plugin: authorization servers of other people, unmodified, as services we broker.

Each starts once per session. Who uses one registers a client of their own there, and is its user
at the browser.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import httpx
import pytest

from tests.support.server import ROOT, start_group, stop_group, wait_until_up

if TYPE_CHECKING:
    from broker.models import BrokerProvider
    from oauth.models import Resource
    from tests.support.remote import RemoteServer

PERSON = "ann"
MAX_HOPS = 12


@dataclass(frozen=True, slots=True)
class Registration:
    """A client at a server of others."""

    client_id: str
    secret: str
    method: str


class Process:
    """A program that answers at `url`, and can be stopped and started again where it was."""

    def __init__(
        self, command: list[str], *, env: Mapping[str, str], url: str, probe: str, log: Path
    ) -> None:
        self.command, self.env, self.url, self.probe, self.log = command, env, url, probe, log
        self._running: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def start(self) -> None:
        """It answers."""
        self._output = self.log.open("ab")
        self._running = start_group(self.command, env=dict(self.env), output=self._output)
        wait_until_up(self.url + self.probe, process=self._running, log=self.log)

    def stop(self) -> None:
        """Nothing of it is left."""
        if self._running is not None and self._output is not None:
            stop_group(self._running)
            self._output.close()
            self._running = None

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Nobody listens on its port until the block ends."""
        self.stop()
        try:
            yield
        finally:
            self.start()


@dataclass
class RealServer(ABC):
    """What its users and its other clients see of an authorization server.

    `scopes` are its names for reading and writing. `has_memory` says that it knows after a restart
    what it knew before, and `can_decline` that its page has a button for that.
    """

    process: Process
    issuer: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=20))

    name: ClassVar[str]
    scopes: ClassVar[tuple[str, str]] = ("read", "write")
    has_memory: ClassVar[bool] = True
    can_decline: ClassVar[bool] = True

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """Its OpenID Connect discovery document."""
        return dict(self.http.get(f"{self.issuer}/.well-known/openid-configuration").json())

    def register(
        self, *redirect_uris: str, method: str = "client_secret_basic", **members: Any
    ) -> Registration:
        """A new client, by the server's own registration endpoint (RFC 7591)."""
        answer = self.http.post(
            self.metadata["registration_endpoint"],
            json={
                "client_name": "Broker",
                "redirect_uris": list(redirect_uris),
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": method,
                **members,
            },
        )
        assert answer.is_success, answer.text
        made = answer.json()
        return Registration(made["client_id"], made.get("client_secret", ""), method)

    def is_active(self, client: Registration, token: str) -> bool:
        """What its introspection says to the token's own client."""
        answer = self._ask("introspection_endpoint", client, token=token)
        return answer.is_success and bool(answer.json()["active"])

    def subject(self, access_token: str) -> str:
        """Whose token it is, as its userinfo endpoint says to whoever bears the token."""
        headers = {"Authorization": f"Bearer {access_token}"}
        answer = self.http.get(self.metadata["userinfo_endpoint"], headers=headers)
        assert answer.status_code == httpx.codes.OK, answer.text
        return str(answer.json()["sub"])

    def revoke(self, client: Registration, token: str) -> None:
        """The token is ended by its own client, behind everybody else's back."""
        assert self._ask("revocation_endpoint", client, token=token).is_success

    def browse(self, url: str, *, allow: bool = True) -> str:
        """Where the browser of its user arrives, who came by `url`, signs in and allows, or not."""
        with httpx.Client(trust_env=False, timeout=20) as browser:
            return self._walk(browser, url, allow=allow)

    @abstractmethod
    def _walk(self, browser: httpx.Client, url: str, *, allow: bool) -> str: ...

    @abstractmethod
    def refreshes(self, client: Registration) -> int:
        """How often it answered this client's refresh tokens, by its own records."""

    def leave(self, browser: httpx.Client, answer: httpx.Response) -> str | httpx.Response:
        """The URL outside of this server to which redirects lead, or the page they end at."""
        for _ in range(MAX_HOPS):
            if not answer.is_redirect:
                return answer
            target = str(answer.url.join(answer.headers["location"]))
            if not target.startswith(self.process.url):
                return target
            answer = browser.get(target)
        raise AssertionError(f"{answer.url} leads nowhere")

    def _ask(self, endpoint: str, client: Registration, **form: str) -> httpx.Response:
        headers = {}
        if client.method == "client_secret_basic":
            pair = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
            headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        else:
            form |= {"client_id": client.client_id}
            if client.secret:
                form |= {"client_secret": client.secret}
        return self.http.post(self.metadata[endpoint], data=form, headers=headers)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database without rows, to copy; all workers of a run share it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path, draft = folder / "empty.sqlite3", folder / "draft.sqlite3"
    environment = dict(os.environ) | {
        "DATABASE_URL": f"sqlite:///{draft}",
        "REDIS_URL": "",
        "DJANGO_SETTINGS_MODULE": "tests.support.live_settings",
        "PYTHONPATH": str(ROOT),
    }
    migrate = [sys.executable, "manage.py", "migrate", "-v", "0"]
    with (folder / "empty.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
            draft.rename(path)
    return path


@pytest.fixture(scope="session")
def oidc_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """oidc-provider, from npm."""
    from tests.support import node
    from tests.support.oidc_provider import OidcProvider

    if not node.is_installed():
        pytest.skip("needs Node 22 and tests/node: make test")
    yield from _until_the_end(OidcProvider.start(tmp_path_factory.mktemp("oidc-provider")))


@pytest.fixture(scope="session")
def glewlwyd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """glewlwyd, from Debian."""
    from tests.support.glewlwyd import Glewlwyd, find_glewlwyd

    if find_glewlwyd() is None:
        pytest.skip("needs Debian's glewlwyd")
    yield from _until_the_end(Glewlwyd.start(tmp_path_factory.mktemp("glewlwyd")))


@pytest.fixture(scope="session")
def tool_server() -> Iterator[RemoteServer]:
    """An MCP server whose authorization server is whichever a test publishes for it."""
    from tests.support.remote import running_remote

    with running_remote() as running:
        yield running


@pytest.fixture(scope="session")
def second_server(
    tmp_path_factory: pytest.TempPathFactory, empty_database: Path, tool_server: RemoteServer
) -> Iterator[RealServer]:
    """Another instance of this server, which makes tokens for `tool_server` too."""
    from tests.support.second_server import SecondServer

    folder = tmp_path_factory.mktemp("second-server")
    started = SecondServer.start(folder, empty=empty_database, resource=tool_server.mcp)
    yield from _until_the_end(started)


def _until_the_end(server: RealServer) -> Iterator[RealServer]:
    try:
        yield server
    finally:
        server.http.close()
        server.process.stop()


def make_provider(
    server: RealServer, client: Registration, *, slug: str, **config_data: Any
) -> BrokerProvider:
    """The server as an operator adds it: by its issuer alone."""
    from broker.providers.services import create_provider

    return create_provider(
        {
            "slug": slug,
            "display_name": server.name,
            "preset": "oidc",
            "config_data": {
                "issuer": server.issuer,
                "client_id": client.client_id,
                "token_endpoint_auth_method": client.method,
            }
            | config_data,
        }
        | ({"secret": client.secret} if client.secret else {})
    )


def make_files(server: RealServer, provider: BrokerProvider) -> Resource:
    """A resource whose scopes `read` and `write` are two of the server's."""
    from tests.support.connecting import make_forge

    scopes = [
        {"name": name, "upstream": theirs}
        for name, theirs in zip(("read", "write"), server.scopes, strict=True)
    ]
    return make_forge(provider, slug="files", display_name="Files", scopes=scopes)
