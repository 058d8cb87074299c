"""`manage.py serve --demo`, from an empty directory: everything runs, and all of it stops."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.server import ROOT, free_port

pytestmark = [pytest.mark.server, pytest.mark.slow]

FIRST_START = 45
NEXT_START = 15


@dataclass(frozen=True)
class FirstStart:
    """A start from an empty directory, used and stopped: its environment and what was seen."""

    environment: dict[str, str]
    keys: dict[str, Any]
    started: list[int]
    output: str
    status: int


@pytest.fixture(scope="module")
def first_start(tmp_path_factory):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AUTHPLANE_", "METRICS_", "DATABASE_URL", "REDIS_URL"))
    }
    public, operator = free_port(), free_port()
    environment = kept | {
        "DJANGO_SETTINGS_MODULE": "authplane.settings.dev",
        "AUTHPLANE_DATA_DIR": str(tmp_path_factory.mktemp("first") / "data"),
        "AUTHPLANE_SERVER_ISSUER": f"http://localhost:{public}",
        "AUTHPLANE_SERVER_ADDRESS": f":{public}",
        "AUTHPLANE_ADMIN_ADDRESS": f":{operator}",
    }
    with served(environment, "--demo") as process:
        wait_for(f"http://localhost:{public}/.well-known/jwks.json", limit=FIRST_START)
        wait_for(f"http://localhost:{operator}/livez", limit=FIRST_START)
        keys = httpx.get(f"http://localhost:{public}/.well-known/jwks.json", trust_env=False).json()
        started = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    return FirstStart(environment, keys, started, output, process.returncode)


@pytest.fixture
def environment(first_start, tmp_path):
    """A copy of what the first start left, for a test of its own."""
    data = tmp_path / "data"
    shutil.copytree(first_start.environment["AUTHPLANE_DATA_DIR"], data)
    return first_start.environment | {"AUTHPLANE_DATA_DIR": str(data)}


@contextlib.contextmanager
def served(environment, *options):
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", *options],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(timeout=20)


def wait_for(url, *, limit):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, trust_env=False).status_code < 500:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing at {url} after {limit} s")


def addresses(environment):
    operator = environment["AUTHPLANE_ADMIN_ADDRESS"]
    return environment["AUTHPLANE_SERVER_ISSUER"], f"http://localhost{operator}"


def descendants(root):
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        found += (children := parents.get(queue.pop(), []))
        queue += children
    return found


def listener_of(pid):
    """The listener that a process was started as, empty for other processes."""
    with contextlib.suppress(OSError):
        for pair in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if pair.startswith(b"AUTHPLANE_LISTENER="):
                return pair.partition(b"=")[2].decode()
    return ""


def is_running(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.shows("setting", "server.address", "admin.address")
def test_from_nothing_to_tokens_and_back_to_nothing(first_start):
    output = first_start.output
    assert first_start.status == 0, output
    assert len(first_start.keys["keys"]) == 1
    assert len(first_start.started) >= 3, "public, operator and worker"
    assert [pid for pid in first_start.started if is_running(pid)] == []
    assert len(re.findall(r"password\s+\S{12,}", output)) == 1, output
    data = Path(first_start.environment["AUTHPLANE_DATA_DIR"])
    files = [path for path in data.rglob("*") if path.is_file()]
    assert {"authserver.db", "admin_api_key"} <= {file.name for file in files}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_the_second_start_reads_what_the_first_one_made_and_is_the_only_one(
    first_start, environment
):
    public, _ = addresses(environment)
    jwks = f"{public}/.well-known/jwks.json"
    with served(environment, "--demo") as process:
        wait_for(jwks, limit=NEXT_START)
        keys = httpx.get(jwks, trust_env=False).json()
        another = subprocess.run(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        still = httpx.get(jwks, trust_env=False).json()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)

    assert keys == still == first_start.keys
    assert "password" not in output, "a password is shown once"
    assert another.returncode != 0
    assert "cannot listen at" in another.stderr


def test_the_demo_runs_against_what_the_first_start_made(environment):
    public, operator = addresses(environment)
    key_file = Path(environment["AUTHPLANE_DATA_DIR"]) / "secrets" / "admin_api_key"
    with served(environment, "--demo"):
        for listener in (public, operator):
            wait_for(f"{listener}/livez", limit=FIRST_START)
        for time_of_day in ("first", "second"):
            demo = subprocess.run(
                [
                    sys.executable, "-m", "demo", "--issuer", public, "--operator", operator,
                    "--key-file", str(key_file),
                ],
                cwd=ROOT, env=environment | {"PYTHONPATH": f"{ROOT}:{ROOT / 'deploy'}"},
                capture_output=True, text=True, timeout=90, check=False,
            )  # fmt: skip
            assert demo.returncode == 0, (time_of_day, demo.stdout[-2000:], demo.stderr[-2000:])
            assert "asked for more, called." in demo.stdout


@pytest.mark.shows("setting", "admin.enabled")
def test_without_the_operator_listener_only_the_public_one_is_there(environment):
    public, operator = addresses(environment)
    with served(environment | {"AUTHPLANE_ADMIN_ENABLED": "false"}) as process:
        wait_for(f"{public}/livez", limit=FIRST_START)
        listeners = {listener_of(pid) for pid in descendants(process.pid)} - {""}
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{operator}/livez", trust_env=False)

        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)

    assert listeners == {"public"}
    assert operator not in output, "an address where nobody listens"
