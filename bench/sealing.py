"""`python -m bench.sealing`: how fast the record is sealed, and what issuance pays for it."""

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

import psycopg

from bench import delegation, load, servers
from tests.support.server import free_port
from tests.support.upstream import running_upstream

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
    parser.add_argument("--rounds", type=int, default=3, help="0 measures no issuance")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="authplane-bench-") as data,
        servers.fresh_database(asked.database) as database,
    ):
        measure_sealing(database, data=data, rows=asked.rows)
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
        measure_issuance(filled, port=port, seconds=asked.seconds, rounds=asked.rounds)


def measure_sealing(database: str, *, data: str, rows: int) -> None:
    """How long sealing and verifying so many rows takes."""
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
    for action in ("seal", "verify"):
        started = time.perf_counter()
        result = json.loads(_manage(environment, "audit", action, "--json"))
        seconds = time.perf_counter() - started
        print(
            f"{action:<8} {result['rows']:>9,} rows  {result['rows'] / seconds:>9,.0f}/s",
            flush=True,
        )


def measure_issuance(filled: servers.Filled, *, port: int, seconds: int, rounds: int) -> None:
    """Tokens a second without and with a worker that seals, one after the other in each round."""
    base = f"http://127.0.0.1:{port}"
    rates: dict[bool, list[float]] = {False: [], True: []}
    with servers.serving(
        "authplane.wsgi:application", servers.GRANIAN, environment=filled.environment, port=port,
        probe="/livez",
    ):  # fmt: skip
        plans = servers.plans(base, routes=servers.OURS, facts=filled.facts)
        plan = next(plan for plan in plans if plan.name == PLAN)
        for _ in range(rounds):
            for sealing in (False, True):
                with _worker(filled.environment) if sealing else contextlib.nullcontext():
                    sample = load.measure(plan, base=base, seconds=seconds, rounds=1)
                rates[sealing].append(sample.rate)
                _manage(filled.environment, "audit", "seal")
    off, on = statistics.median(rates[False]), statistics.median(rates[True])
    print(f"{PLAN}: {off:,.0f}/s without sealing, {on:,.0f}/s with it: {on / off - 1:+.1%}")


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
