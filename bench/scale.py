"""`python -m bench.scale`: how long operators wait for lists, figures and pages of a large server.

A database is filled with clients, users, tokens and audit rows, and every list of the operator API
and every list and page of the console is then asked for, one after the other, over HTTP.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from psycopg import sql

from bench import delegation, machine, servers
from tests.support.server import free_port
from tests.support.upstream import running_upstream

PAGE = servers.ROOT / "docs" / "benchmarks-operators.md"
LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"
BAR_MS = 300
OVERVIEWS = ("/console/", "/console/?range=7d")
REPEATS = 5
EXPORTS = ("/export", "/admin/configuration")
"""What gives out everything there is, and is no list. The first kind streams."""
STAFF = "bench-operator@example.com"

ID = (
    "(lpad(to_hex((extract(epoch from {at}) * 1000)::bigint), 12, '0') || '7'"
    " || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid"
)
"""A UUIDv7 of the moment `{at}`."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows of each kind."""

    clients: int
    users: int
    tokens: int
    events: int


@dataclass(frozen=True, slots=True)
class Wait:
    """One request: milliseconds of the first, of the median and of the slowest repetition."""

    what: str
    status: int
    first_ms: float
    median_ms: float
    slowest_ms: float


def arguments() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL", LOCAL))
    parser.add_argument("--part", type=float, default=1.0, help="fraction of the full size")
    parser.add_argument("--dry", action="store_true", help="print, but do not write the page")
    return parser.parse_args()


def multiply(
    connection: psycopg.Connection, table: str, count: int, changed: dict[str, str]
) -> None:
    """``count`` copies of one row of the table; ``changed`` are SQL values over the number `n`."""
    found = connection.execute(
        "select column_name from information_schema.columns"
        " where table_schema = 'public' and table_name = %s order by ordinal_position",
        (table,),
    ).fetchall()
    columns = [name for (name,) in found]
    values = [
        sql.SQL(changed[name])
        if name in changed
        else sql.SQL("model.{}").format(sql.Identifier(name))
        for name in columns
    ]
    connection.execute(
        sql.SQL(
            "insert into {table} ({columns}) select {values} from"
            " (select * from {table} limit 1) as model, generate_series(1, {count}) as n"
        ).format(
            table=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(values),
            count=sql.Literal(count),
        )
    )


def fill(url: str, size: Size) -> None:
    """The rows are there, over the last thirty days, with what the planner knows of them."""
    spread = "now() - (n::float8 / {count}) * interval '30 days'"
    with psycopg.connect(url, autocommit=True) as connection:
        multiply(
            connection, "oauth_client", size.clients,
            {
                "id": ID.format(at=spread.format(count=size.clients)),
                "client_id": "'client-' || n", "name": "'Client number ' || n",
                "created": spread.format(count=size.clients),
                "status": "case when n % 50 = 0 then 'suspended' else 'active' end",
                "registration_source": "(array['dcr','cimd','admin'])[1 + n % 3]",
            },
        )  # fmt: skip
        multiply(
            connection, "accounts_user", size.users,
            {
                "id": ID.format(at=spread.format(count=size.users)),
                "email": "'person' || n || '@example.com'", "is_staff": "false",
                "is_superuser": "false",
            },
        )  # fmt: skip
        connection.execute(
            "create temp table known as select c.id as client, c.client_id as name, u.id as person,"
            " row_number() over () as n from"
            " (select id, client_id, row_number() over () as n from oauth_client) c join"
            " (select id, row_number() over () as n from accounts_user) u"
            f" on u.n = 1 + c.n % {size.users}"
        )
        connection.execute("create index on known (n)")
        of = f"(select {{column}} from known where known.n = 1 + n.n % {size.clients})"
        at = spread.format(count=size.tokens).replace("(n:", "(n.n:")
        multiply(
            connection, "oauth_accesstoken", size.tokens,
            {
                "id": ID.format(at=at), "created": at, "expires": f"{at} + interval '15 minutes'",
                "application_id": of.format(column="client"),
                "user_id": of.format(column="person"),
                "kind": "(array['authorization_code','refresh_token','client_credentials',"
                "'token_exchange'])[1 + n.n % 4]",
                "revoked_at": "case when n.n % 40 = 0 then now() end",
            },
        )  # fmt: skip
        at = spread.format(count=size.events).replace("(n:", "(n.n:")
        multiply(
            connection, "audit_auditevent", size.events,
            {
                "id": ID.format(at=at), "created_at": at,
                "action": "(array['token.issued','token.refreshed','token.introspected',"
                "'user.login','client_credentials.issued','token.issue_denied'])[1 + n.n % 6]",
                "actor_id": of.format(column="person::text"),
                "client_id": of.format(column="name"),
            },
        )  # fmt: skip
        connection.execute("vacuum analyze")


def asked(client: httpx.Client, path: str, *, whole: bool = True, what: str = "") -> Wait:
    """The request, once to warm the process and then as often as counts.

    Of an answer that is not ``whole`` only the beginning is waited for: exports send all rows.
    """
    took: list[float] = []
    status = 0
    for _ in range(REPEATS + 1):
        begun = time.perf_counter()
        with client.stream("GET", path) as answer:
            if whole:
                answer.read()
            else:
                next(answer.iter_raw())
            took.append((time.perf_counter() - begun) * 1000)
        status = answer.status_code
    first, *further = took
    return Wait(what or f"GET {path}", status, first, statistics.median(further), max(further))


def lists(api: httpx.Client) -> list[str]:
    """Every list and figure of the operator API that needs no name in its path."""
    paths = api.get("/openapi.json").json()["paths"]
    named = [path for path, known in paths.items() if "get" in known and "{" not in path]
    return [path for path in named if path.startswith("/admin/")]


def waits(api: httpx.Client, console: httpx.Client, *, jti: str) -> list[Wait]:
    """All of them, the API first."""
    found = []
    for path in lists(api):
        is_export = path.endswith(EXPORTS)
        note = " (export, first bytes)" if is_export else ""
        found.append(asked(api, path, whole=not is_export, what=f"GET {path}{note}"))
    searches = (
        "/admin/audit?action=token.issue_denied&limit=100",
        "/admin/audit?client_id=client-777",
        "/admin/clients?status=suspended&limit=100",
        "/admin/clients?limit=50&offset=50000",
        "/admin/tokens?limit=500",
        "/admin/issuances?client=client-777",
        "/admin/issuances?resource=nobody-s",
        f"/admin/issuances?jti={jti}",
    )
    found += [asked(api, path, what=f"GET {path.replace(jti, '<jti>')}") for path in searches]
    # Asked for the first time here, so that nothing of it is cached.
    found += [asked(console, path, what=f"console {path}") for path in OVERVIEWS]
    menu = console.get("/console/").text
    pages = {*re.findall(r'href="(/console/[a-z0-9_/-]+/)"', menu)} - {*OVERVIEWS}
    return found + [asked(console, path, what=f"console {path}") for path in sorted(pages)]


def sign_in(console: httpx.Client, *, password: str) -> None:
    """The client holds a console session."""
    page = console.get("/console/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    form = {
        "username": STAFF, "password": password, "next": "/console/",
        "csrfmiddlewaretoken": token.group(1) if token else "",
    }  # fmt: skip
    origin = str(console.base_url).rstrip("/")
    answer = console.post(
        "/console/login/", data=form, headers={"Origin": origin, "Referer": origin}
    )
    if answer.status_code != httpx.codes.FOUND:
        raise RuntimeError(f"console sign-in: {answer.status_code}")


def measured(database: str, *, size: Size, data: str) -> list[Wait]:
    """Every wait at a server that holds so much."""
    with delegation.identity_provider() as idp, running_upstream(scope="read") as upstream:
        filled = servers.fill_ours(
            database, port=free_port(), data=data, idp=idp, upstream=upstream.url
        )
    password = secrets.token_urlsafe(18)
    subprocess.run(
        [sys.executable, "manage.py", "createsuperuser", "--noinput", "--email", STAFF],
        cwd=servers.ROOT, check=True, capture_output=True,
        env=os.environ | filled.environment | {"DJANGO_SUPERUSER_PASSWORD": password},
    )  # fmt: skip
    begun = time.perf_counter()
    fill(database, size)
    print(f"filled in {time.perf_counter() - begun:.0f} s", flush=True)
    with psycopg.connect(database) as connection:
        row = connection.execute("select id from oauth_accesstoken limit 1").fetchone()
    port = free_port()
    one = servers.Variant("operator", "granian", 1, 4)
    base = f"http://127.0.0.1:{port}"
    key = {"Authorization": f"Bearer {filled.environment['AUTHPLANE_ADMIN_API_KEY']}"}
    with (
        servers.serving(
            "authplane.wsgi:application", one,
            environment=filled.environment | {"AUTHPLANE_LISTENER": "operator"},
            port=port, probe="/metrics",
        ),
        httpx.Client(base_url=base, headers=key, trust_env=False, timeout=60) as api,
        httpx.Client(base_url=base, trust_env=False, timeout=60) as console,
    ):  # fmt: skip
        sign_in(console, password=password)
        return waits(api, console, jti=str(row[0]) if row else "")


def document(found: list[Wait], *, size: Size, facts: list[tuple[str, str]]) -> str:
    """The page."""
    counted = [wait for wait in found if "(export" not in wait.what]
    slow = [wait for wait in counted if max(wait.first_ms, wait.median_ms) > BAR_MS]
    held = (
        f"The database holds {size.clients:,} clients, {size.users:,} users,"
        f" {size.tokens:,} tokens and {size.events:,} audit rows."
    )
    quick = len(counted) - len(slow)
    within = (
        f"{quick} of {len(counted)} requests other than exports are answered within {BAR_MS} ms,"
        " the first time and in the median. The first finds no cache filled: the overview counts"
        " its figures anew every ten seconds."
    )
    how = (
        "Written by `python -m bench.scale` from one run: each request alone,"
        f" once and then {REPEATS} times more."
    )
    lines = ["# How long operators wait", "", how, "", held, within, ""]
    lines += [
        "| request | status | first ms | median ms | slowest ms |",
        "|---|---:|---:|---:|---:|",
    ]
    ordered = sorted(found, key=lambda wait: -wait.median_ms)
    lines += [
        f"| `{wait.what}` | {wait.status} | {wait.first_ms:.0f} | {wait.median_ms:.0f}"
        f" | {wait.slowest_ms:.0f} |"
        for wait in ordered
    ]
    lines += ["", "| | |", "|---|---|", *(f"| {name} | {fact} |" for name, fact in facts), ""]
    return "\n".join(lines)


def main() -> None:
    """The report is printed and, unless dry, written."""
    options = arguments()
    size = Size(*(int(number * options.part) for number in (100_000, 10_000, 1_000_000, 5_000_000)))
    with (
        tempfile.TemporaryDirectory(prefix="authplane-scale-") as data,
        servers.fresh_database(options.database) as database,
    ):
        facts = machine.describe(database=servers.database_description(options.database))
        found = measured(database, size=size, data=data)
    page = document(found, size=size, facts=facts)
    print(page)
    if not options.dry:
        Path(PAGE).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
