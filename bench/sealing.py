"""`python -m bench.sealing`: how fast the record is sealed, and what issuance pays for it.

What it measures is printed and written to `docs/benchmarks-record.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg

from bench import delegation, load, machine, servers
from tests.support.server import free_port
from tests.support.upstream import running_upstream

PAGE = servers.ROOT / "docs" / "benchmarks-record.md"
LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"
PLAN = "client_credentials"
EVERY = 2
"""Seconds between two batches; a deployment waits longer, and has fewer and larger ones."""
SAFETY = 1
"""Seconds a row is left alone here, so that nearly all of a round are sealed within it."""

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
from django.db import connection
from audit.sealing.seal import seal_waiting
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_backend_pid()")
    (backend,) = cursor.fetchone()
seal_waiting(safety={safety})
print(backend, flush=True)
while True:
    time.sleep({every})
    seal_waiting(safety={safety})
"""


def main() -> None:
    """The figures are printed."""
    parser = argparse.ArgumentParser(prog="bench.sealing", description=__doc__)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL", LOCAL))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=12, help="length of a round")
    parser.add_argument("--rounds", type=int, default=12, help="pairs of them; 0 measures none")
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
        pairs = measure_issuance(filled, port=port, seconds=asked.seconds, rounds=asked.rounds)
    print("\n".join(summary(pairs, speeds=speeds)))
    if not asked.dry:
        page = document(speeds, pairs, rows=asked.rows, seconds=asked.seconds, facts=facts)
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


def measure_issuance(filled: servers.Filled, *, port: int, seconds: int, rounds: int) -> list[Pair]:
    """Issuance without and with a worker that seals, right after each other, again and again."""
    base = f"http://127.0.0.1:{port}"
    pairs = []
    with servers.serving(
        "authplane.wsgi:application", servers.GRANIAN, environment=filled.environment, port=port,
        probe="/livez",
    ):  # fmt: skip
        plans = servers.plans(base, routes=servers.OURS, facts=filled.facts)
        plan = next(plan for plan in plans if plan.name == PLAN)

        def issued() -> float:
            """Tokens a second."""
            return load.measure(plan, base=base, seconds=seconds, rounds=1).rate

        for number in range(rounds):
            # Each comes first as often as the other: a table that grows slows the later one.
            without = 0.0 if number % 2 else issued()
            _manage(filled.environment, "audit", "seal")
            with _Worker(filled) as worker:
                rate = issued()
                sealed, cpu = worker.sealed(), worker.cpu_seconds()
            _manage(filled.environment, "audit", "seal")
            pairs.append(Pair(without or issued(), rate, sealed, cpu))
            _manage(filled.environment, "audit", "seal")
            print(f"{PLAN}: {pairs[-1].described()}", flush=True)
    return pairs


def document(
    speeds: dict[str, float],
    pairs: list[Pair],
    *,
    rows: int,
    seconds: int,
    facts: list[tuple[str, str]],
) -> str:
    """The page."""
    lines = [
        "# What the sealed record costs",
        "",
        (
            "Written by `python -m bench.sealing` from one run. One process seals and verifies"
            f" {rows:,} rows; then client_credentials is asked for as fast as the machine answers,"
            f" {seconds} s without and {seconds} s with a worker beside it that seals every"
            f" {EVERY} s, in turns, on the same cores. Two rounds that follow each other make a"
            " pair; what is said of them are medians over the pairs, because the speed of the"
            " machine changes more from minute to minute than sealing changes it."
        ),
        "",
        *summary(pairs, speeds=speeds),
        "",
        "| work | a second |",
        "|---|---:|",
        f"| rows sealed | {speeds['seal']:,.0f} |",
        f"| rows verified | {speeds['verify']:,.0f} |",
        "",
        "| tokens without sealing | with sealing | | rows sealed meanwhile | CPU it took |",
        "|---:|---:|---:|---:|---:|",
        *(pair.row() for pair in pairs),
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {fact} |" for name, fact in facts),
        "",
    ]
    return "\n".join(lines)


def summary(pairs: list[Pair], *, speeds: dict[str, float]) -> list[str]:
    """What the pairs come to."""
    lower, middle, upper = statistics.quantiles([pair.change for pair in pairs], n=4)
    rate = statistics.median(pair.with_sealing for pair in pairs)
    spent = sum(pair.cpu for pair in pairs) / sum(pair.sealed for pair in pairs)
    share = spent * rate / (os.cpu_count() or 1)
    quarters = f"half of the pairs between {lower:+.1%} and {upper:+.1%}"
    cost = f"{spent * 1e6:.0f} µs of CPU a row, PostgreSQL's part included"
    return [
        f"- Issuance with sealing on: **{middle:+.1%}** ({quarters}).",
        f"- Sealing takes {cost}: at {rate:,.0f} tokens a second {share:.1%} of this machine.",
        f"- It keeps up {speeds['seal'] / rate:.0f} times over.",
    ]


@dataclass(frozen=True, slots=True)
class Pair:
    """Tokens a second, without and with sealing, and what was sealed meanwhile at what cost."""

    without: float
    with_sealing: float
    sealed: int
    cpu: float

    @property
    def change(self) -> float:
        return self.with_sealing / self.without - 1

    def described(self) -> str:
        return (
            f"{self.without:,.0f}/s without sealing, {self.with_sealing:,.0f}/s with it"
            f" ({self.change:+.1%}), {self.sealed:,} rows sealed in {self.cpu:.2f} s of CPU"
        )

    def row(self) -> str:
        return (
            f"| {self.without:,.0f} | {self.with_sealing:,.0f} | {self.change:+.1%}"
            f" | {self.sealed:,} | {self.cpu:.2f} s |"
        )


class _Worker:
    """A process that seals beside the server, from its first batch on."""

    def __init__(self, filled: servers.Filled) -> None:
        self._environment = filled.environment
        self._database = filled.environment["DATABASE_URL"]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER.format(every=EVERY, safety=SAFETY)],
            cwd=servers.ROOT, env=os.environ | self._environment, stdout=subprocess.PIPE,
        )  # fmt: skip
        # A worker starts once; its start is no part of what sealing costs.
        told = self._process.stdout.readline() if self._process.stdout else b""
        self._backend = int(told)
        self._rows, self._cpu = self._total(), self._spent()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def sealed(self) -> int:
        """Rows since the worker was ready."""
        return self._total() - self._rows

    def cpu_seconds(self) -> float:
        """Of the worker and of the process of PostgreSQL that answers it, since it was ready."""
        return self._spent() - self._cpu

    def _total(self) -> int:
        with psycopg.connect(self._database) as connection:
            found = connection.execute("SELECT coalesce(sum(count), 0) FROM audit_auditseal")
            return int((found.fetchone() or (0,))[0])

    def _spent(self) -> float:
        return machine.cpu_seconds(self._process.pid, self._backend)


def _manage(environment: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=servers.ROOT, env=os.environ | environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


if __name__ == "__main__":
    main()
