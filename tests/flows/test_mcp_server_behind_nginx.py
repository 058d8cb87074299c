"""The data plane for real: an MCP client, nginx as it is shipped, an MCP server, the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import httpx2
import pytest
from mcp.client.auth import OAuthClientProvider
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from tests.support import factories
from tests.support.certificates import issue, names
from tests.support.factories import make_user
from tests.support.gateway import FORWARD_AUTH_KEY, make_group, make_key, make_proxy
from tests.support.nginx import find_nginx, running_nginx
from tests.support.oauth_client import FlowStopped, OAuthClient
from tests.support.server import ROOT, free_port, start_group, stop_group, wait_until_up
from tests.support.upstream import Upstream, make_connection, make_provider, running_upstream

pytestmark = [
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.skipif(find_nginx() is None, reason="needs nginx"),
]

HOST = issue("localhost", authority=True, san=names(dns="localhost", ip="127.0.0.1"))
OPERATOR_KEY = "operator-key-of-the-test-suite-06"
REDIRECT = "http://127.0.0.1:8765/callback"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
MCP_HEADERS = {"Accept": "application/json, text/event-stream"}


def trusted() -> ssl.SSLContext:
    return ssl.create_default_context(cadata=HOST.pem.decode())


@dataclass
class Place:
    """Everything that runs. `url` is what clients call; `seen` what the MCP server saw."""

    url: str
    public: str
    operator: httpx.Client
    folder: Path
    upstream: Upstream
    http: httpx.Client

    @property
    def metadata(self) -> str:
        return self.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")

    @property
    def seen(self) -> list[dict[str, str]]:
        file = self.folder / "seen.jsonl"
        every = map(json.loads, file.read_text().splitlines()) if file.exists() else ()
        return [headers for headers in every if "x-forwarded-for" in headers]

    def post(self, **headers: str) -> httpx.Response:
        """A request of the protocol, by hand."""
        return self.http.post(self.url, json=PING, headers=MCP_HEADERS | headers)


@contextlib.contextmanager
def running(command: list[str], url: str, folder: Path) -> Any:
    log = folder / "echo.log"
    with log.open("wb") as output:
        process = start_group(command, env={"PYTHONPATH": str(ROOT)}, output=output)
    try:
        wait_until_up(url, process=process, log=log)
        yield
    finally:
        stop_group(process)


@pytest.fixture
def rows(transactional_db, override_config):
    """A user who is connected, with a token that has ended, and the proxy before the service."""
    override_config(broker={"allowed_private_hosts": ("127.0.0.1",)})
    port = free_port()
    with running_upstream(scope="read") as upstream:
        provider = make_provider(upstream)
        proxy = make_proxy(
            provider,
            slug="notes",
            target_url=f"https://localhost:{port}/mcp",
            scopes=["read"],
            allowed_redirects=["http://127.0.0.1:*/callback"],
        )
        yield port, upstream, proxy


@pytest.fixture
def place(server, rows, tmp_path):
    """`place()` starts it all, on the rows that are there by then."""
    port, upstream, _ = rows
    with contextlib.ExitStack() as until_the_end:

        def start() -> Place:
            common = {
                "AUTHPLANE_BROKER_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
                "AUTHPLANE_FORWARD_AUTH_KEY": FORWARD_AUTH_KEY,
                "AUTHPLANE_ADMIN_API_KEY": OPERATOR_KEY,
            }
            public = server(processes=1, **common)
            operator = server(
                processes=1,
                threads=12,
                AUTHPLANE_LISTENER="operator",
                **common
                | {
                    "DATABASE_URL": public.environment["DATABASE_URL"],
                    "AUTHPLANE_SERVER_ISSUER": public.url,
                },
            )
            tool_port = free_port()
            until_the_end.enter_context(
                running(
                    [sys.executable, "-m", "tests.support.echo_mcp", str(tool_port), str(tmp_path)],
                    f"http://127.0.0.1:{tool_port}/health",
                    tmp_path,
                )
            )
            certificate, key = HOST.write(tmp_path, "host")
            shown = tmp_path / "forward-auth-key.conf"
            shown.write_text(f'proxy_set_header X-Forward-Auth-Key "{FORWARD_AUTH_KEY}";\n')
            changes = {
                r"listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
                r"listen \[::\]:443.*": "",
                r"server_name \S+;": "server_name localhost;",
                r"/etc/ssl/mcp\S+/fullchain.pem": str(certificate),
                r"/etc/ssl/mcp\S+/privkey.pem": str(key),
                r"/etc/nginx/forward-auth-key.conf;": f"{shown};",
                r"127\.0\.0\.1:9000": public.url.removeprefix("http://"),
                r"127\.0\.0\.1:9001": operator.url.removeprefix("http://"),
                r"127\.0\.0\.1:8080": f"127.0.0.1:{tool_port}",
            }
            until_the_end.enter_context(
                running_nginx("nginx/mcp-server.conf", folder=tmp_path, changes=changes)
            )
            operators = httpx.Client(
                base_url=operator.url,
                headers={"Authorization": f"Bearer {OPERATOR_KEY}"},
                trust_env=False,
                timeout=30,
            )
            http = httpx.Client(verify=trusted(), trust_env=False, timeout=30)
            return Place(
                url=f"https://localhost:{port}/mcp",
                public=public.url,
                operator=until_the_end.enter_context(operators),
                folder=tmp_path,
                upstream=upstream,
                http=until_the_end.enter_context(http),
            )

        yield start


async def use_tools(url: str, http: httpx2.AsyncClient, folder: Path) -> list[str]:
    """What both tools answer; the second one only streams when its caller hears of it in time."""

    async def heard(*_: Any) -> None:
        (folder / "heard").touch()

    async with (
        streamable_http_client(url, http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        results = [
            await session.call_tool("hello", {}),
            await session.call_tool("count", {}, progress_callback=heard),
        ]
    return [part.text for result in results for part in result.content]


@pytest.mark.spec("OAuth proxy", "X11", "MUST", "the service gets the upstream token")
@pytest.mark.spec("OAuth proxy", "X12", "MUST", "an ended upstream token is renewed once for all")
def test_clients_get_through_and_credentials_do_not(place, rows):
    """One start of everything, for it is slow: first with keys, then with tokens."""
    _, _, proxy = rows
    user, person = make_user(), make_user()
    make_connection(proxy.provider, user, expires_in=1)
    row, key = make_key(user, make_group(proxy))
    _, limited = make_key(user, make_group(proxy, limit=2))
    _, stranger = make_key(user, make_group(make_proxy(proxy.provider)))
    here = place()
    with_keys(here, user, row, key=key)
    refusals(here, row, key=key, limited=limited, stranger=stranger)
    the_question_is_nginx_s(here, limited)
    with_tokens(here, person)


def with_keys(here, user, row, *, key):
    upstream = here.upstream
    # Ten at once with an upstream token that has ended: the service is asked once.
    with ThreadPoolExecutor(10) as pool:
        forged = {
            "X-Authplane-User": "somebody", "X-Authplane-Client": "x", "X-Authplane-Scope": "all",
            "X-Forward-Auth-Key": "guess", "DPoP": "x", "Cookie": "a=b", "X-API-Key": key,
            "Authorization": "Bearer of-the-caller",
        }  # fmt: skip
        answers = list(pool.map(lambda _: here.post(**forged), range(10)))
    assert {answer.status_code for answer in answers} == {400}, answers[0].text
    assert upstream.count("refresh_token") == 1
    current = f"Bearer {upstream.given[0]}"
    for headers in here.seen:
        assert headers["authorization"] == current
        assert headers["x-authplane-user"] == str(user.pk)
        assert headers["x-authplane-client"] == f"api_key:{row.pk}"
        assert not {"x-authplane-scope", "x-forward-auth-key", "dpop", "cookie", "x-api-key"} & {
            *headers
        }
        assert key not in json.dumps(headers)

    # An unmodified client in each form, over an event stream.
    for form in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"},
                 {"Authorization": f"ApiKey {key}"}):  # fmt: skip
        (here.folder / "heard").unlink(missing_ok=True)

        async def talk(form: dict[str, str] = form) -> list[str]:
            async with httpx2.AsyncClient(
                verify=trusted(), headers=form, timeout=30, trust_env=False, http2=False
            ) as http:
                return await use_tools(here.url, http, here.folder)

        assert asyncio.run(talk()) == ["hello", "streamed"]
    assert {headers["authorization"] for headers in here.seen} == {current}
    assert upstream.count("refresh_token") == 1
    for answer in answers:
        assert not any(token in answer.text + str(answer.headers) for token in upstream.tokens())


def refusals(here, row, *, key, limited, stranger):
    """As clients see them."""
    before = len(here.seen)
    nothing = here.post()
    assert (nothing.status_code, nothing.json()["error"]) == (401, "invalid_token")
    assert nothing.headers["www-authenticate"].startswith(
        f'Bearer resource_metadata="{here.metadata}"'
    )
    assert here.post(**{"X-API-Key": stranger}).status_code == 403
    assert {here.post(**{"X-API-Key": limited}).status_code for _ in range(2)} == {400}
    often = here.post(**{"X-API-Key": limited})
    assert (often.status_code, often.json()["error"]) == (429, "rate_limit_exceeded")
    assert int(often.headers["retry-after"]) >= 1
    assert here.operator.post(f"/admin/api-keys/{row.pk}/revoke", json={}).status_code == 200
    assert here.post(**{"X-API-Key": key}).status_code == 401
    assert len(here.seen) == before + 2


def the_question_is_nginx_s(here, limited):
    for base in (here.public, str(here.operator.base_url)):
        for guess in ({}, {"X-Forward-Auth-Key": "guess"}):
            asked = httpx.get(
                f"{base.rstrip('/')}/proxy/notes/authz",
                headers={"X-API-Key": limited} | guess,
                trust_env=False,
            )
            assert asked.status_code == 404
    with_key = {"X-API-Key": limited, "X-Forward-Auth-Key": FORWARD_AUTH_KEY}
    told = httpx.get(f"{here.public}/proxy/notes/authz", headers=with_key, trust_env=False)
    assert told.status_code == 404
    assert here.http.get(here.url.replace("/mcp", "/_authz"), headers=with_key).status_code == 404


def with_tokens(here, person):
    """The package's client finds its way from the first 401 on; the user clicks."""
    from broker.models import OAuthProxy

    upstream = here.upstream
    upstream.expires_in = 1
    memory, told = Memory(), []

    async def keep(response):
        if "event-stream" not in response.headers.get("content-type", ""):
            await response.aread()
            told.append(f"{response.status_code} {response.headers} {response.text}")

    async def talk():
        clicks = Clicks(OAuthClient.at(here.public), factories.person(person), upstream)
        provider = OAuthClientProvider(
            server_url=here.url,
            client_metadata=OAuthClientMetadata(
                client_name="Desk",
                redirect_uris=[AnyUrl(REDIRECT)],
                grant_types=["authorization_code", "refresh_token"],
                response_types=["code"],
                token_endpoint_auth_method="none",
            ),
            storage=memory,
            redirect_handler=clicks.open,
            callback_handler=clicks.answer,
        )
        async with httpx2.AsyncClient(
            auth=provider, verify=trusted(), timeout=30, trust_env=False,
            event_hooks={"response": [keep]},
        ) as http:  # fmt: skip
            return await use_tools(here.url, http, here.folder)

    (here.folder / "heard").unlink(missing_ok=True)
    before = len(here.seen)
    refreshes = upstream.count("refresh_token")
    assert asyncio.run(talk()) == ["hello", "streamed"]
    assert upstream.count("authorization_code") == 1
    assert upstream.count("refresh_token") == refreshes + 1
    seen = here.seen[before:]
    assert {headers["authorization"] for headers in seen} == {f"Bearer {upstream.given[-2]}"}
    assert {headers["x-authplane-user"] for headers in seen} == {str(person.pk)}
    assert {headers["x-authplane-client"] for headers in seen} == {memory.client.client_id}
    assert told[0].startswith("401")
    assert here.metadata in told[0]
    known = json.dumps(told) + memory.tokens.model_dump_json()
    assert not any(token in known for token in upstream.tokens())

    # What ended opens nothing from the next request on.
    token = memory.tokens.access_token
    assert here.post(Authorization=f"Bearer {token}").status_code == 400
    proxy = OAuthProxy.objects.get(slug="notes")
    revoked = httpx.post(
        f"{here.public}/api/v1/oauth-proxy/{proxy.pk}/revoke",
        data={"token": token, "client_id": memory.client.client_id},
        trust_env=False,
    )
    assert revoked.status_code == 200
    assert here.post(Authorization=f"Bearer {token}").status_code == 401
    assert not any(token in str(headers) for headers in here.seen)


class Memory:
    """Keeps tokens and registration."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


class Clicks:
    """The user: signs in, allows the client, and allows us at the service."""

    def __init__(self, browser, person, upstream):
        self.browser, self.person, self.upstream = browser, person, upstream
        self.arrived = {}

    async def open(self, url):
        arrived = await asyncio.to_thread(self.follow, url)
        self.arrived = dict(parse_qsl(urlsplit(arrived).query))
        # The token that came with the connection ends at once; the next one lasts.
        self.upstream.expires_in = 3600

    def follow(self, url):
        for _ in range(3):
            try:
                return self.browser.follow(url, self.person, redirect_uri=REDIRECT)
            except FlowStopped as stopped:
                page = stopped.response.text
                found = re.search(r'content="0; url=([^"]+)"|href="([^"]+)">Allow<', page)
                assert found, page
                url = unescape(found.group(1) or found.group(2))
        raise AssertionError(url)

    async def answer(self):
        return AuthorizationCodeResult(
            code=self.arrived.get("code", ""),
            state=self.arrived.get("state"),
            iss=self.arrived.get("iss"),
        )
