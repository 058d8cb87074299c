"""What bound tokens, exchange and identity assertions need: proofs, an identity provider, links."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from bench.load import Plan
from tests.support.dpop import DPoPKey
from tests.support.published import key_set

TARGET = "https://notes.example.com/mcp"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PER_RUN = 16_000
"""Proofs and assertions made for one run: more than any server here can use up in it."""

IDP_KEY = DPoPKey(private_jwk=None)


@contextlib.contextmanager
def identity_provider() -> Iterator[str]:
    """The issuer of a running identity provider: a server that publishes one key."""
    published = key_set(IDP_KEY.private_jwk | {"kid": "idp", "use": "sig"})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(published).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def fill(
    operator: httpx.Client,
    *,
    idp: str,
    machine_id: str,
    source: str,
    created: Callable[[httpx.Response], dict[str, str]],
) -> None:
    """The machine is the resource server of `source`, which fronts another; an IdP is trusted."""
    created(
        operator.post(
            "/admin/resources",
            json={
                "slug": "target",
                "uri": TARGET,
                "backend_kind": "mint",
                "scopes": [{"name": "read", "description": "Read"}],
            },
        )
    )
    listed = operator.post(
        f"/admin/resources/{source}/policy/runtime/client-ids", json={"client_id": machine_id}
    )
    listed.raise_for_status()
    link = {"source": source, "target": "target", "scope_map": {"read": ["read"]}}
    created(operator.post("/admin/fronting", json=link))
    trusted = created(
        operator.post(
            "/admin/idps", json={"name": "bench", "issuer": idp, "jwks_uri": f"{idp}/jwks"}
        )
    )
    created(operator.post("/admin/xaa/policies", json={"name": "bench", "idp_id": trusted["id"]}))


def plans(*, token: str, issuer: str, facts: dict[str, str], resource: str) -> list[Plan]:
    """Bound client credentials, a fronted exchange, an identity assertion."""
    basic = base64.b64encode(f"{facts['machine_id']}:{facts['machine_secret']}".encode()).decode()
    single = {"BENCH_METHOD": "POST", "BENCH_AUTH": f"Basic {basic}", "BENCH_PATH": token}
    return [
        Plan(
            "DPoP client_credentials",
            "once",
            single
            | {"BENCH_BODY": f"grant_type=client_credentials&scope=read&resource={resource}"},
            lambda: _proofs(f"{issuer}{token}"),
        ),
        Plan(
            "token exchange",
            "single",
            single
            | {
                "BENCH_BODY": f"grant_type={EXCHANGE}&resource={TARGET}&scope=read"
                f"&subject_token_type={ACCESS_TOKEN}&subject_token={facts['user_token']}"
            },
        ),
        Plan(
            "jwt-bearer (ID-JAG)",
            "once",
            single | {"BENCH_BODY": f"grant_type={JWT_BEARER}&assertion="},
            lambda: _assertions(facts["idp"], issuer, facts["machine_id"], resource),
        ),
    ]


def _proofs(url: str) -> list[str]:
    key = DPoPKey()
    return [f"{key.proof(url)}\t" for _ in range(PER_RUN)]


def _assertions(idp: str, issuer: str, client_id: str, resource: str) -> list[str]:
    header = {"typ": "oauth-id-jag+jwt", "kid": "idp"}
    now = int(time.time())
    claims = {
        "iss": idp, "aud": issuer, "client_id": client_id, "resource": resource,
        "scope": "read", "iat": now, "exp": now + 120,
    }  # fmt: skip
    return [
        "\t"
        + IDP_KEY.sign(
            claims | {"sub": f"user-{number}", "jti": secrets.token_urlsafe(16)}, header=header
        )
        for number in range(PER_RUN)
    ]
