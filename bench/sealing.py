"""`python -m bench.sealing`: how fast the record is sealed, and what issuance pays for it.

What it measures is printed and written to `docs/benchmarks-record.md`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from bench import delegation, load, machine, servers
from tests.support.server import free_port
from tests.support.upstream import running_upstream

PAGE = servers.ROOT / "docs" / "benchmarks-record.md"
LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"
PLAN = "client_credentials"
EVERY = 15

ROWS = """
INSERT INTO audit_auditevent (id, created_at, action, actor_id, client_id, detail, request_id,
    trace_id, personal, personal_digest)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || '8000'
        || lpad(to_hex(n), 12, '0'))::uuid,
    at, 'token.issued', md5(mod(n, 1000)::text), 'client-' || mod(n, 50),
    jsonb_build_object('grant', 'authorization_code', 'jti', md5(n::text), 'scopes', 'read'),
    md5(n::text), '', said, encode(sha256(said::bytea), 'hex')
FROM (SELECT n, now() - interval '1 hour' + n * interval '1 millisecond' AS at,
          '{"ip":"203.0.113.7","salt":"' || md5(n::text) || '"}' AS said
      FROM generate_series(1, %s) n) numbered
"""

WORKER = """
import time, django
django.setup()
from audit.sealing.seal import seal_waiting
seal_waiting()
print("ready", flush=True)
while True:
    seal_waiting()
    time.sleep({every})
"""


def main() -> None:
    """The figures are printed."""
    parser = argparse.ArgumentParser(prog="bench.sealing", description=__doc__)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL", LOCAL))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=30, help="length of a round of issuance")
    parser.add_argument("--rounds", type=int, default=4, help="0 measures no issuance")
    parser.add_argument("--dry", action="store_true", help="print, but do not write the page")
    asked = parser.parse_args()
    facts = machine.describe(database=servers.database_description(asked.database))
    with (
        tempfile.TemporaryDirectory(prefix="authplane-bench-") as data,
        servers.fresh_database(asked.database) as database,
    ):
        speeds = measure_sealing(database, data=data, rows=asked.rows)
    if not asked.rounds:
        return
    with (
        tempfile.TemporaryDirectory(prefix="authplane-bench-") as data,
        servers.fresh_database(asked.database) as database,
        delegation.identity_provider() as idp,
        running_upstream(scope="read") as upstream,
    ):
        port = free_port()
        filled = servers.fill_ours(database, port=port, data=data, idp=idp, upstream=upstream.url)
        rates = measure_issuance(filled, port=port, seconds=asked.seconds, rounds=asked.rounds)
    if not asked.dry:
        page = document(speeds, rates, rows=asked.rows, seconds=asked.seconds, facts=facts)
        Path(PAGE).write_text(page, encoding="utf-8")


def measure_sealing(database: str, *, data: str, rows: int) -> dict[str, float]:
    """Rows a second, sealed and verified."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "authplane.settings.dev",
        "DATABASE_URL": database,
        "AUTHPLANE_DATA_DIR": data,
        "AUTHPLANE_SERVER_ISSUER": "http://localhost:9000",
    }
    _manage(environment, "prepare")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(ROWS, [rows])
        connection.execute("ANALYZE audit_auditevent")
    speeds = {}
    for action in ("seal", "verify"):
        started = time.perf_counter()
        result = json.loads(_manage(environment, "audit", action, "--json"))
        seconds = time.perf_counter() - started
        speeds[action] = result["rows"] / seconds
        print(f"{action:<8} {result['rows']:>9,} rows  {speeds[action]:>9,.0f}/s", flush=True)
    return speeds


def measure_issuance(
    filled: servers.Filled, *, port: int, seconds: int, rounds: int
) -> dict[bool, list[float]]:
    """Tokens a second without (False) and with (True) a worker that seals, in turns."""
    base = f"http://127.0.0.1:{port}"
    rates: dict[bool, list[float]] = {False: [], True: []}
    with servers.serving(
        "authplane.wsgi:application", servers.GRANIAN, environment=filled.environment, port=port,
        probe="/livez",
    ):  # fmt: skip
        plans = servers.plans(base, routes=servers.OURS, facts=filled.facts)
        plan = next(plan for plan in plans if plan.name == PLAN)
        for number in range(rounds):
            # Each comes first as often as the other: a table that grows slows the later one.
            for sealing in (False, True) if number % 2 else (True, False):
                with _worker(filled.environment) if sealing else contextlib.nullcontext():
                    sample = load.measure(plan, base=base, seconds=seconds, rounds=1)
                rates[sealing].append(sample.rate)
                _manage(filled.environment, "audit", "seal")
    off, on = statistics.mean(rates[False]), statistics.mean(rates[True])
    print(f"{PLAN}: {off:,.0f}/s without sealing, {on:,.0f}/s with it: {on / off - 1:+.1%}")
    return rates


def document(
    speeds: dict[str, float],
    rates: dict[bool, list[float]],
    *,
    rows: int,
    seconds: int,
    facts: list[tuple[str, str]],
) -> str:
    """The page."""
    off, on = statistics.mean(rates[False]), statistics.mean(rates[True])
    lines = [
        "# What the sealed record costs",
        "",
        (
            "Written by `python -m bench.sealing` from one run. One process seals and verifies"
            f" {rows:,} rows; then client_credentials is asked for as fast as the machine answers,"
            f" {seconds} s at a time, in turns without and with a worker beside it that seals every"
            f" {EVERY} s, on the same two cores."
        ),
        "",
        (
            f"With sealing {on:,.0f} tokens a second, without {off:,.0f}: {on / off - 1:+.1%}."
            f" Sealing keeps up {speeds['seal'] / on:.0f} times over."
        ),
        "",
        "| work | a second |",
        "|---|---:|",
        f"| rows sealed | {speeds['seal']:,.0f} |",
        f"| rows verified | {speeds['verify']:,.0f} |",
        *(f"| tokens without sealing | {rate:,.0f} |" for rate in rates[False]),
        *(f"| tokens with sealing | {rate:,.0f} |" for rate in rates[True]),
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {fact} |" for name, fact in facts),
        "",
    ]
    return "\n".join(lines)


@contextlib.contextmanager
def _worker(environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER.format(every=EVERY)],
        cwd=servers.ROOT, env=os.environ | environment, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        # A worker starts once; its start is no part of what sealing costs.
        if process.stdout is not None:
            process.stdout.readline()
        yield
    finally:
        process.terminate()
        process.wait()


def _manage(environment: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=servers.ROOT, env=os.environ | environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


if __name__ == "__main__":
    main()
