"""Django's database settings from ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    from authplane.core.areas.operation import Storage

DEFAULT_SQLITE = "data/authserver.db"

PREPARE_AFTER = 3
"""Executions of a statement on a connection after which PostgreSQL keeps its plan."""

SQLITE_SETUP = (
    "PRAGMA journal_mode={journal};"
    # FULL: a code that was spent stays spent when the power fails right afterwards.
    "PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA mmap_size=134217728;"
)


def database_settings(storage: Storage, *, base: Path, data: Path) -> dict[str, Any]:
    """The value of ``DATABASES["default"]``."""
    url = storage.database_url
    if not url and storage.driver == "postgres":
        url = storage.postgres_dsn
    if url and not url.startswith("sqlite"):
        return _postgres(url, storage)
    if url:
        path = unquote(url.partition("://")[2].partition("?")[0]).removeprefix("/")
        # sqlite:///relative.db has three slashes and sqlite:////absolute.db four, as everywhere.
        file = base / path if path else data / "authserver.db"
    elif storage.sqlite_path == DEFAULT_SQLITE:
        file = data / "authserver.db"
    else:
        file = base / storage.sqlite_path
    return _sqlite(file, wal=storage.sqlite_wal)


def _sqlite(file: Path, *, wal: bool) -> dict[str, Any]:
    """SQLite with writers that queue instead of failing.

    Transactions begin IMMEDIATE: one that starts as a reader and then writes would be refused at
    once when another process wrote in between, however long the busy timeout is.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "CONN_MAX_AGE": None,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": SQLITE_SETUP.format(journal="WAL" if wal else "DELETE"),
        },
    }


def _postgres(url: str, storage: Storage) -> dict[str, Any]:
    """PostgreSQL over lasting connections.

    Opening one costs more than the statements of a whole token request. Without a pool each worker
    thread keeps its own; ``CONN_HEALTH_CHECKS`` stays off because it adds a round trip to every
    request, and a broken connection is replaced after the one request that met it.
    """
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    socket = options.pop("host", "")
    options.setdefault("connect_timeout", "5")
    options.setdefault("application_name", "authplane")
    # Values travel apart from the statement, and one that comes again is not planned again: a fifth
    # less time for a token request. `?prepare_threshold=none` is for poolers that hand a connection
    # on after each transaction and know no prepared statements.
    options["server_side_binding"] = True
    threshold = str(options.get("prepare_threshold", PREPARE_AFTER))
    options["prepare_threshold"] = int(threshold) if threshold.isdecimal() else None
    if storage.postgres_max_conns:
        options["pool"] = {
            "min_size": storage.postgres_min_conns,
            "max_size": storage.postgres_max_conns,
            "max_lifetime": storage.postgres_max_conn_lifetime,
            "max_idle": storage.postgres_max_conn_idle_time,
            "timeout": 10,
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": socket or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0 if storage.postgres_max_conns else None,
        "CONN_HEALTH_CHECKS": False,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": options,
    }
