"""What the server keeps things in: database, Redis, disk; and whether their clocks agree."""

from __future__ import annotations

import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from admin_api.doctor.findings import Finding, fine, suspicious, unknown, wrong
from admin_api.doctor.issuer import drift
from admin_api.doctor.scene import Scene
from authplane.core import shared
from authplane.core.config import config

OLDEST_POSTGRESQL: Final = 140000
MIB: Final = 1024 * 1024
LITTLE, NOTHING_LEFT = 1024 * MIB, 128 * MIB
SLOW: Final = 0.05


def database(_: Scene) -> Iterator[Finding]:
    """It answers, is of a version that is supported, and has a limit for each statement."""
    try:
        with connection.cursor() as cursor:
            # Once to connect, which a listener does seldom.
            cursor.execute("SELECT 1")
            started = time.monotonic()
            cursor.execute("SELECT 1")
        took = time.monotonic() - started
    except DatabaseError as error:
        yield wrong(
            f"the database does not answer: {type(error).__name__}",
            "Start it, and check DATABASE_URL and the network between.",
        )
        return
    if connection.vendor != "postgresql":
        yield suspicious(
            "SQLite: one machine, one writer at a time",
            "Fine for a trial or a small team. For replicas set DATABASE_URL to PostgreSQL.",
        )
        return
    version: int = connection.pg_version  # type: ignore[attr-defined]
    told = f"PostgreSQL {version // 10000}.{version % 10000} answers in {took * 1000:.0f} ms"
    if version < OLDEST_POSTGRESQL:
        yield wrong(f"{told}; that version is not supported", "Upgrade to PostgreSQL 14 or later.")
    elif took > SLOW:
        yield suspicious(told, "A token takes several statements: bring the database nearer.")
    else:
        yield fine(told)
    yield from _connections()


def _connections() -> Iterator[Finding]:
    """How many connections there may be, and how long a statement may take."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_connections')::int, "
                       "(SELECT count(*) FROM pg_stat_activity)")  # fmt: skip
        most, present = cursor.fetchone()
    pool = config().storage.postgres_max_conns
    told = f"{present} of {most} connections in use; each process takes {pool or 'one per thread'}"
    if present > most * 0.8:
        yield suspicious(told, "Raise max_connections or set AUTHPLANE_STORAGE_POSTGRES_MAX_CONNS.")
    else:
        yield fine(told)
    yield fine(f"statements of requests end after {config().server.write_timeout} s")


def migrations(_: Scene) -> Iterator[Finding]:
    """The tables are those of this version."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        yield unknown(f"the database does not answer: {type(error).__name__}")
        return
    if not missing:
        yield fine("every migration is applied")
        return
    names = ", ".join(f"{step.app_label}.{step.name}" for step, _ in missing[:5])
    yield wrong(f"{len(missing)} migrations are not applied: {names}", "Run: manage.py prepare")


def redis(_: Scene) -> Iterator[Finding]:
    """It answers, and never drops what it was given before its time."""
    if not shared.is_configured():
        if connection.vendor == "postgresql":
            yield suspicious(
                "no Redis: each process counts requests by itself",
                "With more than one process set REDIS_URL.",
            )
        else:
            yield unknown("no Redis is configured, and one process needs none")
        return
    try:
        started = time.monotonic()
        policy = shared.ask(lambda client: client.config_get("maxmemory-policy"))
        took = time.monotonic() - started
    except shared.SharedStateDown as error:
        # Hosted ones answer, and do not let anybody read their configuration.
        if not _pings():
            yield wrong(
                f"Redis does not answer ({type(error.__cause__).__name__})",
                "Start it, and check REDIS_URL. Limits are per process until it is back.",
            )
        else:
            yield fine("Redis answers; its eviction policy cannot be read")
        return
    named = str(next(iter(policy.values()), "")) if policy else ""
    if named not in {"", "noeviction"}:
        yield suspicious(
            f"Redis may drop entries early (maxmemory-policy {named})",
            "Set it to noeviction: a one-time value that is forgotten can be used again.",
        )
    else:
        yield fine(f"Redis answers in {took * 1000:.0f} ms and drops nothing early")


def _pings() -> bool:
    try:
        return bool(shared.client().ping())
    except Exception:  # noqa: BLE001 - whatever it is, it does not answer
        return False


def clocks(_: Scene) -> Iterator[Finding]:
    """Database and Redis have the time that this process has."""
    if connection.vendor == "postgresql":
        try:
            before = time.time()
            with connection.cursor() as cursor:
                cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
                told = cursor.fetchone()[0]
            yield drift("the database's clock", told - (before + time.time()) / 2)
        except DatabaseError:
            yield unknown("the database's clock was not seen")
    if shared.is_configured():
        try:
            before = time.time()
            seconds, micros = shared.ask(lambda client: client.time())
            there = int(seconds) + int(micros) / 1e6
            yield drift("Redis's clock", there - (before + time.time()) / 2)
        except shared.SharedStateDown:
            yield unknown("Redis's clock was not seen")
    elif connection.vendor != "postgresql":
        yield unknown("database and server share one clock")


def disk(_: Scene) -> Iterator[Finding]:
    """The data directory has room, and is nobody else's to read."""
    folder = Path(config().server.data_dir)
    if not folder.exists():
        yield unknown(f"there is no {folder}")
        return
    free = shutil.disk_usage(folder).free
    told = f"{free // MIB} MiB free at {folder}"
    if free < NOTHING_LEFT:
        yield wrong(told, "Make room: SQLite and the local broker stop when the disk is full.")
    elif free < LITTLE:
        yield suspicious(told, "Make room before it is full.")
    else:
        yield fine(told)
    open_to = [
        path for path in (folder, *sorted(folder.glob("secrets*")))
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXO | stat.S_IWGRP)
        and (path != folder or stat.S_IMODE(path.stat().st_mode) & stat.S_IWOTH)
    ]  # fmt: skip
    if open_to:
        yield wrong(
            f"others on this machine may use {', '.join(map(str, open_to))}",
            f"chmod -R o-rwx,g-w {folder}",
        )
