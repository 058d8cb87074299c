"""Which database and Redis a test run uses, decided once, before Django reads its settings.

`DATABASE_URL` and `REDIS_URL` win. Without them a PostgreSQL and a Redis that answer on this host
are used. `AUTHPLANE_TEST_PLAIN=1` asks for SQLite without Redis, whatever answers.
"""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit, urlunsplit

LOCAL_DATABASE = "postgres://postgres@127.0.0.1:5432/authplane"
LOCAL_REDIS = "redis://127.0.0.1:6379/0"
LAST_REDIS_DATABASE = 15


def choose_services() -> None:
    """`DATABASE_URL` and `REDIS_URL` say what this process tests against; unset means plain.

    Safe to call any number of times, in any process of a parallel run.
    """
    if os.environ.get("AUTHPLANE_TEST_PLAIN") == "1":
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)
        return
    if "DATABASE_URL" not in os.environ and _answers(LOCAL_DATABASE):
        os.environ["DATABASE_URL"] = LOCAL_DATABASE
    if "REDIS_URL" not in os.environ and _answers(LOCAL_REDIS):
        os.environ["REDIS_URL"] = LOCAL_REDIS
    if os.environ.get("REDIS_URL"):
        given = os.environ.setdefault("AUTHPLANE_TEST_REDIS", os.environ["REDIS_URL"])
        os.environ["REDIS_URL"] = own_redis_database(given, worker=worker_number())


def own_redis_database(url: str, *, worker: int) -> str:
    """The same Redis, in a numbered database that this test process may empty.

    Number 0 is where a developer's own data lives, so it is never used: the run counts down from
    the last one. A number given on purpose is taken, one further per parallel worker.
    """
    parts = urlsplit(url)
    given = int(parts.path.strip("/") or 0)
    number = given + worker if given else LAST_REDIS_DATABASE - worker
    return urlunsplit(parts._replace(path=f"/{number}"))


def worker_number() -> int:
    """0 in a run without parallel workers and in the first of them."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=0.5):
            return True
    except OSError:
        return False
