"""Vended upstream tokens and the data plane: a service of somebody else's, a proxy, an API key."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx

from bench.delegation import ACCESS_TOKEN, EXCHANGE
from bench.load import Plan
from tests.support.connecting import Browser
from tests.support.oauth_client import OAuthClient, User
from tests.support.proxies import REDIRECT, Gateway

SEEN_WITHIN = 15
KEPT, ASKED = "kept", "asked"
"""Two providers: tokens of the one behind a proxy are kept, the other is asked each time."""
KEY_HEADER = "X-Forward-Auth-Key"

Created = Callable[[httpx.Response], dict[str, Any]]


def fill(
    operator: httpx.Client,
    *,
    upstream: str,
    client: OAuthClient,
    person: User,
    source: str,
    created: Created,
) -> dict[str, str]:
    """The user is connected at both services; a token of the proxy and an API key are there."""
    issuer = str(client.http.base_url).rstrip("/")
    for slug in (KEPT, ASKED):
        config = {
            "client_id": "bench",
            "authorize_url": f"{upstream}/authorize",
            "token_url": f"{upstream}/token",
        }
        provider = {"slug": slug, "display_name": slug, "protocol": "oauth", "secret": "bench-it"}
        created(operator.post("/admin/broker-providers", json=provider | {"config_data": config}))
        resource = {"slug": slug, "backend_kind": "broker", "broker_provider_slug": slug,
                    "scopes": [{"name": "read", "description": "Read"}]}  # fmt: skip
        created(operator.post("/admin/resources", json=resource))
        link = {"source": source, "target": slug, "scope_map": {"read": ["read"]}}
        created(operator.post("/admin/fronting", json=link))
    proxy = created(
        operator.post(
            "/admin/oauth-proxies",
            json={
                "slug": KEPT,
                "provider": KEPT,
                "target_url": "https://gateway.example.com/mcp",
                "allowed_redirects": [REDIRECT],
                "scopes": ["read"],
            },
        )
    )
    browser = Browser(client, person)
    gateway = Gateway(SimpleNamespace(pk=proxy["id"]), browser)  # type: ignore[arg-type]
    back_to = f"{issuer}/connections"
    _wait_until_known(browser, browser.link(ASKED, resource=ASKED, return_url=back_to))
    tokens = gateway.tokens()
    back = browser.connect(ASKED, resource=ASKED, return_url=back_to)
    if back.status_code != httpx.codes.SEE_OTHER:
        raise RuntimeError(f"connect: {back.status_code} {back.text}")
    listed = operator.get("/admin/users").json()["users"]
    group = {"name": "bench", "proxy_access": [{"proxy": KEPT, "requests_per_minute": 1_000_000}]}
    key = {
        "name": "bench",
        "user_id": next(user["id"] for user in listed if user["email"] == person.email),
        "user_group_id": created(operator.post("/admin/access-groups", json=group))["id"],
    }
    made = created(operator.post("/admin/api-keys", json=key))
    return {"gateway_token": tokens["access_token"], "api_key": made["api_key"]}


def _wait_until_known(browser: Browser, link: str) -> None:
    """The other process has read what the operator made: within seconds, without Redis."""
    deadline = time.monotonic() + SEEN_WITHIN
    browser.sign_in()
    while browser.get(link).status_code != httpx.codes.SEE_OTHER:
        if time.monotonic() > deadline:
            raise RuntimeError("the provider is not known to the public listener")
        time.sleep(0.25)


def vends(*, token: str, facts: dict[str, str]) -> list[Plan]:
    """An exchange for an upstream token that is at hand, and for one that is asked for."""
    basic = base64.b64encode(f"{facts['machine_id']}:{facts['machine_secret']}".encode()).decode()
    single = {"BENCH_METHOD": "POST", "BENCH_AUTH": f"Basic {basic}", "BENCH_PATH": token}
    body = (
        f"grant_type={EXCHANGE}&scope=read&subject_token_type={ACCESS_TOKEN}"
        f"&subject_token={facts['user_token']}&resource="
    )
    return [
        Plan("vend, upstream token kept", "single", single | {"BENCH_BODY": body + KEPT}),
        Plan("vend, upstream asked", "single", single | {"BENCH_BODY": body + ASKED}),
    ]


def checks(*, facts: dict[str, str], key: str) -> list[Plan]:
    """What a proxy server asks before it forwards a request. On the operator listener."""
    about = {"BENCH_PATH": f"/proxy/{KEPT}/authz", "BENCH_HEADER": KEY_HEADER, "BENCH_VALUE": key}
    return [
        Plan(
            "forward-auth, token",
            "single",
            about | {"BENCH_AUTH": f"Bearer {facts['gateway_token']}"},
        ),
        Plan(
            "forward-auth, API key", "single", about | {"BENCH_AUTH": f"ApiKey {facts['api_key']}"}
        ),
    ]
