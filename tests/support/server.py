"""Real server processes for tests that need several of them, or a client that opens sockets."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from tests.support.pooled import Pool

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 30.0
ASKED = 8
ASKED_EVERY = 0.5
"""How often, and every how many seconds, a server is asked to end before it is killed."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers at `url` until its test ends."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    environment: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """What a management command says that runs beside the server, on its database.

        Raises: subprocess.CalledProcessError when it fails.
        """
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_command(*, kind: str, port: int, processes: int, threads: int) -> list[str]:
    """The command line of a WSGI server of this kind for our application."""
    if kind == "gunicorn":
        return [
            sys.executable, "-m", "gunicorn", "authplane.wsgi:application",
            "--bind", f"127.0.0.1:{port}", "--workers", str(processes),
            "--worker-class", "gthread", "--threads", str(threads), "--no-control-socket",
        ]  # fmt: skip
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
        "--port", str(port), "--workers", str(processes), "--blocking-threads", str(threads),
        "--no-ws", "authplane.wsgi:application",
    ]  # fmt: skip


def environment_of_tests(*, folder: Path) -> dict[str, str]:
    """Environment in which another process works on this test's database.

    PostgreSQL: the very database. SQLite in memory cannot be shared, so the process gets a copy
    as it stands now; what it writes is seen over HTTP only.
    """
    from django.db import connection

    from authplane.settings import source

    env = dict(os.environ) | dict(source.VARIABLES) | {"PYTHONPATH": str(ROOT)}
    env["DJANGO_SETTINGS_MODULE"] = "tests.support.live_settings"
    settings = connection.settings_dict
    if connection.vendor == "postgresql":
        password = f":{settings['PASSWORD']}" if settings.get("PASSWORD") else ""
        place = f"{settings['HOST'] or '127.0.0.1'}:{settings['PORT'] or 5432}"
        user = settings["USER"] or "postgres"
        env["DATABASE_URL"] = f"postgres://{user}{password}@{place}/{settings['NAME']}"
    else:
        env["DATABASE_URL"] = f"sqlite:///{_copy_of_sqlite(folder)}"
    return env


def _copy_of_sqlite(folder: Path) -> Path:
    import sqlite3

    from django.db import connection

    target = folder / "copy.sqlite3"
    connection.ensure_connection()
    with contextlib.closing(sqlite3.connect(target)) as copy:
        connection.connection.backup(copy)
    return target


@contextlib.contextmanager
def running_server(
    *,
    kind: str = "granian",
    processes: int = 1,
    threads: int = 4,
    port: int | None = None,
    **environment: str,
) -> Iterator[RunningServer]:
    """The real server answers on a port of its own; every process of it is gone afterwards."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="authplane-server-") as name:
        folder = Path(name)
        log = folder / "server.log"
        env = environment_of_tests(folder=folder)
        env |= {"AUTHPLANE_SERVER_ISSUER": url, "AUTHPLANE_SERVER_ADDRESS": f"127.0.0.1:{port}"}
        env |= environment
        with log.open("wb") as output:
            process = start_group(
                server_command(kind=kind, port=port, processes=processes, threads=threads),
                env=env,
                output=output,
            )
            try:
                wait_until_up(f"{url}/livez", process=process, log=log)
                yield RunningServer(url=url, process=process, log=log, environment=env)
            finally:
                stop_group(process)


def start_group(
    command: list[str], *, env: dict[str, str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    """The command runs as the leader of a process group of its own."""
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
    )


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """Leader and descendants have ended, politely where they listen.

    A worker that is still starting loses the signal, so they are asked more than once.
    """
    for sign in [signal.SIGTERM] * ASKED + [signal.SIGKILL]:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=ASKED_EVERY)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def wait_until_up(url: str, *, process: subprocess.Popen[bytes], log: Path) -> None:
    """`url` answers below 500. Raises: AssertionError with the log when it never does."""
    deadline = time.monotonic() + START_LIMIT
    with httpx.Client(trust_env=False, timeout=2) as http:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            with contextlib.suppress(httpx.TransportError):
                if http.get(url).status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return
            time.sleep(0.05)
    raise AssertionError(f"no answer at {url}:\n{log.read_text(errors='replace')[-4000:]}")


@pytest.fixture(scope="session")
def _pool(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """Servers end before the database that they hold connections to is dropped."""
    with contextlib.closing(Pool(tmp_path_factory.mktemp("servers"), running_server)) as pool:
        yield pool


@pytest.fixture
def server(transactional_db: None, _pool: Pool) -> Iterator[Callable[..., RunningServer]]:
    """`server(processes=1, kind="granian", AUTHPLANE_...="...")`: one that only this test uses.

    Rows made before the call are there on every database; later ones only on PostgreSQL, where a
    server may have worked for other tests, on a database that was emptied since.
    """
    from django.db import connection

    with contextlib.ExitStack() as until_the_end:

        def start(**options: Any) -> RunningServer:
            lasting = connection.vendor == "postgresql" and "port" not in options
            begin = _pool.lent if lasting else running_server
            return until_the_end.enter_context(begin(**options))

        yield start
