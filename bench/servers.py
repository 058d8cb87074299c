"""The servers under measurement: ours and the baseline, each filled with what a run needs."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import psycopg
from psycopg import sql

from bench import delegation, gateway
from bench.load import Plan
from tests.support.oauth_client import OAuthClient, User, pkce_pair
from tests.support.server import (
    free_port,
    server_command,
    start_group,
    stop_group,
    wait_until_up,
)

ROOT = Path(__file__).resolve().parents[1]
REDIRECT = "https://client.example.com/callback"
RESOURCE = "https://mcp.example.com/mcp"
CHAINS = 8


@dataclass(frozen=True, slots=True)
class Variant:
    """How an application is served."""

    label: str
    kind: str
    processes: int
    threads: int


GRANIAN = Variant("Granian, 2 processes x 4 threads", "granian", 2, 4)
GRANIAN_WIDE = Variant("Granian, 2 processes x 12 threads", "granian", 2, 12)
"""For disks that take long to promise a write: more requests wait for one promise together."""
GUNICORN = Variant("gunicorn gthread, 2 processes x 4 threads", "gunicorn", 2, 4)
GUNICORN_SYNC = Variant("gunicorn sync, 2 processes", "gunicorn", 2, 1)


@dataclass(frozen=True, slots=True)
class Filled:
    """A database that is ready, and what is known about it."""

    environment: dict[str, str]
    facts: dict[str, str]


@contextlib.contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """The URL of an empty database that exists within it. Runs at the same time share none."""
    name = f"authplane_bench_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
        finally:
            drop = sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
            connection.execute(drop)


def database_description(server_url: str) -> str:
    """Version and the settings that decide about durability."""
    with psycopg.connect(server_url) as connection:
        version = connection.execute("show server_version").fetchone()
        shown = {
            name: connection.execute(sql.SQL("show {}").format(sql.Identifier(name))).fetchone()
            for name in ("fsync", "synchronous_commit", "shared_buffers")
        }
    settings = ", ".join(f"{name} {value[0]}" for name, value in shown.items() if value)
    return f"{version[0].split()[0] if version else '?'}, {settings}, on the same machine"


@contextlib.contextmanager
def serving(
    application: str, variant: Variant, *, environment: dict[str, str], port: int, probe: str
) -> Iterator[int]:
    """The application answers on `port`; the value is the id of the server's first process."""
    command = server_command(
        kind=variant.kind, port=port, processes=variant.processes, threads=variant.threads
    )
    command = [application if part == "authplane.wsgi:application" else part for part in command]
    if variant.threads == 1 and variant.kind == "gunicorn":
        command[command.index("gthread")] = "sync"
    with tempfile.TemporaryDirectory(prefix="authplane-bench-") as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            process = start_group(command, env=os.environ | environment, output=output)
            try:
                wait_until_up(f"http://127.0.0.1:{port}{probe}", process=process, log=log)
                yield process.pid
            finally:
                stop_group(process)


def fill_ours(database_url: str, *, port: int, data: str, idp: str, upstream: str) -> Filled:
    """Our schema, keys, a user with remembered consent, a machine client and a public client.

    `idp` is the issuer of an identity provider that is running, `upstream` the base of a service
    that gives out tokens.
    """
    issuer = f"http://127.0.0.1:{port}"
    environment = {
        "DJANGO_SETTINGS_MODULE": "authplane.settings.dev",
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "AUTHPLANE_SERVER_ISSUER": issuer,
        "AUTHPLANE_DATA_DIR": data,
        "AUTHPLANE_ADMIN_API_KEY": secrets.token_urlsafe(32),
        "AUTHPLANE_RATE_LIMIT_ENABLED": "false",
        "AUTHPLANE_LOG_LEVEL": "warning",
        "AUTHPLANE_CIMD_REQUIRE_HTTPS": "false",
        "AUTHPLANE_XAA_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
        "AUTHPLANE_BROKER_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
        "AUTHPLANE_FORWARD_AUTH_KEY": secrets.token_urlsafe(32),
        "PROMETHEUS_MULTIPROC_DIR": data,
    }
    subprocess.run(
        [sys.executable, "manage.py", "prepare"], cwd=ROOT, env=os.environ | environment, check=True
    )
    operator_port = free_port()
    listener = environment | {"AUTHPLANE_LISTENER": "operator"}
    one = Variant("operator", "granian", 1, 2)
    with (
        serving(
            "authplane.wsgi:application", one, environment=environment, port=port, probe="/livez"
        ),
        serving(
            "authplane.wsgi:application",
            one,
            environment=listener,
            port=operator_port,
            probe="/metrics",
        ),
        httpx.Client(
            base_url=f"http://127.0.0.1:{operator_port}",
            headers={"Authorization": f"Bearer {environment['AUTHPLANE_ADMIN_API_KEY']}"},
            trust_env=False,
        ) as operator,
    ):
        return Filled(environment, _fill_over_http(operator, issuer, idp, upstream))


def _created(answer: httpx.Response) -> dict[str, str]:
    if answer.status_code != httpx.codes.CREATED:
        raise RuntimeError(f"{answer.request.url}: {answer.status_code} {answer.text}")
    return answer.json()


def _fill_over_http(operator: httpx.Client, issuer: str, idp: str, upstream: str) -> dict[str, str]:
    """Only what any operator and any user could do."""
    person = User("bench@example.com", secrets.token_urlsafe(24))
    _created(
        operator.post("/admin/users", json={"email": person.email, "password": person.password})
    )
    _created(
        operator.post(
            "/admin/resources",
            json={
                "slug": "bench",
                "uri": RESOURCE,
                "backend_kind": "mint",
                "scopes": [{"name": "read", "description": "Read"}],
            },
        )
    )
    machine = _created(
        operator.post(
            "/admin/clients",
            json={
                "client_name": "machine",
                "grant_types": [
                    "client_credentials",
                    delegation.EXCHANGE,
                    delegation.JWT_BEARER,
                ],
                "token_endpoint_auth_method": "client_secret_basic",
                "scope": "read",
            },
        )
    )
    public = _created(
        operator.post(
            "/admin/clients",
            json={
                "client_name": "public",
                "redirect_uris": [REDIRECT],
                "grant_types": ["authorization_code", "refresh_token"],
                "scope": "read",
            },
        )
    )
    client = OAuthClient.at(
        issuer,
        client_id=public["client_id"],
        redirect_uri=REDIRECT,
        resource=RESOURCE,
        scope="read",
    )
    tokens = client.tokens(person)
    delegation.fill(
        operator, idp=idp, machine_id=machine["client_id"], source="bench", created=_created
    )
    behind = gateway.fill(
        operator, upstream=upstream, client=client, person=person, source="bench", created=_created
    )
    return behind | {
        "idp": idp,
        "user_token": tokens["access_token"],
        "machine_id": machine["client_id"],
        "machine_secret": machine["client_secret"],
        "public_id": public["client_id"],
        "cookie": "; ".join(f"{item.name}={item.value}" for item in client.http.cookies.jar),
    }


def fill_baseline(database_url: str, *, port: int) -> Filled:
    """The baseline's schema with the same inhabitants."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    environment = {
        "DJANGO_SETTINGS_MODULE": "bench.baseline.plain.settings",
        "PYTHONPATH": str(ROOT),
        "BASELINE_DATABASE_URL": database_url,
        "BASELINE_ISSUER": f"http://127.0.0.1:{port}",
        "BASELINE_SECRET_KEY": secrets.token_urlsafe(48),
        "BASELINE_SIGNING_KEY_EC": ec.generate_private_key(ec.SECP256R1())
        .private_bytes(*form)
        .decode(),
        "BASELINE_SIGNING_KEY": rsa.generate_private_key(65537, 2048).private_bytes(*form).decode(),
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.baseline.seed"],
        cwd=ROOT, env=os.environ | environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return Filled(environment, json.loads(done.stdout.splitlines()[-1]))


@dataclass(frozen=True, slots=True)
class Routes:
    """Where a server keeps its endpoints."""

    token: str
    authorize: str
    introspect: str
    metadata: str
    jwks: str
    resource: str = ""


OURS = Routes(
    "/oauth/token", "/oauth/authorize", "/oauth/introspect",
    "/.well-known/oauth-authorization-server", "/.well-known/jwks.json", RESOURCE,
)  # fmt: skip
PLAIN = Routes(
    "/token/", "/authorize/", "/introspect/",
    "/.well-known/oauth-authorization-server", "/.well-known/jwks.json",
)  # fmt: skip


def plans(base: str, *, routes: Routes, facts: dict[str, str]) -> list[Plan]:
    """The measurements against a server that is up; the last three are ours alone."""
    basic = base64.b64encode(f"{facts['machine_id']}:{facts['machine_secret']}".encode()).decode()
    resource = {"resource": routes.resource} if routes.resource else {}
    machine_form = {"grant_type": "client_credentials", "scope": "read"} | resource
    with httpx.Client(base_url=base, trust_env=False) as http:
        headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
        answer = http.post(routes.token, data=machine_form, headers=headers)
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"client_credentials: {answer.status_code} {answer.text}")
        access_token = answer.json()["access_token"]
        verifier, challenge = pkce_pair()
        authorize = f"{routes.authorize}?" + urlencode(
            {
                "response_type": "code",
                "client_id": facts["public_id"],
                "redirect_uri": REDIRECT,
                "scope": "read",
                "state": "bench",
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
            | resource
        )
        redeem = {
            "client_id": facts["public_id"],
            "redirect_uri": REDIRECT,
            "code_verifier": verifier,
        }
    single = {"BENCH_METHOD": "POST", "BENCH_AUTH": f"Basic {basic}"}
    further = (
        delegation.plans(token=routes.token, issuer=base, facts=facts, resource=RESOURCE)
        + gateway.vends(token=routes.token, facts=facts)
        if routes.resource
        else []
    )
    return [
        Plan(
            "client_credentials",
            "single",
            single | {"BENCH_PATH": routes.token, "BENCH_BODY": urlencode(machine_form)},
        ),
        Plan(
            "code flow",
            "code",
            {
                "BENCH_AUTHORIZE": authorize,
                "BENCH_PATH": routes.token,
                "BENCH_BODY": urlencode(redeem),
                "BENCH_COOKIE": facts["cookie"],
            },
        ),
        Plan(
            "refresh",
            "refresh",
            {
                "BENCH_PATH": routes.token,
                "BENCH_BODY": urlencode({"client_id": facts["public_id"]}),
            },
            lambda: [_refresh_token(base, routes, authorize, redeem, facts) for _ in range(CHAINS)],
        ),
        Plan(
            "introspection",
            "single",
            single
            | {"BENCH_PATH": routes.introspect, "BENCH_BODY": urlencode({"token": access_token})},
        ),
        Plan("metadata", "single", {"BENCH_PATH": routes.metadata}),
        Plan("JWKS", "single", {"BENCH_PATH": routes.jwks}),
        *further,
    ]


def _refresh_token(
    base: str, routes: Routes, authorize: str, redeem: dict[str, str], facts: dict[str, str]
) -> str:
    """A refresh token from a code flow of its own."""
    with httpx.Client(base_url=base, trust_env=False) as http:
        answer = http.get(authorize, headers={"Cookie": facts["cookie"], "Accept": "text/html"})
        code = parse_qs(urlsplit(answer.headers.get("location", "")).query).get("code")
        if not code:
            raise RuntimeError(f"authorize: {answer.status_code} {answer.text[:500]}")
        form = redeem | {"grant_type": "authorization_code", "code": code[0]}
        answer = http.post(routes.token, data=form, headers={"Accept": "application/json"})
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"code: {answer.status_code} {answer.text}")
    return answer.json()["refresh_token"]
