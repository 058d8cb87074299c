"""`make test`: the suite in as many passes as there are databases to run it on.

Plain SQLite runs unit, specification and flow tests. PostgreSQL and Redis, when they are given or
answer on this host, run everything, browser and npm clients included. Without them SQLite runs
everything that does not need them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.services import choose_services

ONCE = "not browser and not node and not server"
PLAIN_FOLDERS = ["tests/unit", "tests/spec", "tests/flows"]
NO_TESTS_COLLECTED = 5
TESTS_FAILED = 1
WITH_REAL_PARTS = "browser or node or sdk or server"
MOST_RETRIED = 3
MATRIX = "docs/reference/spec-matrix.md"


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of pytest."""

    name: str
    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def passes(chosen: dict[str, str]) -> list[Pass]:
    """What to run, given the services that were found (`DATABASE_URL`, `REDIS_URL`)."""
    plain = {"AUTHPLANE_TEST_PLAIN": "1"}
    matrix = ["--spec-matrix", MATRIX]
    if not chosen:
        return [Pass("SQLite", ["tests", *matrix], plain)]
    return [
        Pass("SQLite", [*PLAIN_FOLDERS, "-m", ONCE], plain),
        Pass(" and ".join(sorted(chosen)), ["tests", *matrix], chosen),
    ]


def main(extra: list[str]) -> int:
    """0 when every pass is green. Options of the command line go to pytest."""
    choose_services()
    names = {"PostgreSQL": "DATABASE_URL", "Redis": "REDIS_URL"}
    found = {name: os.environ[name] for name in names.values() if os.environ.get(name)}
    failed = []
    for each in passes(found):
        print(f"\n--- {each.name}\n", flush=True)
        environment = os.environ | each.environment
        if len(each.environment) < len(names):
            # Only the pass with every service can be complete.
            environment.pop("AUTHPLANE_TEST_COMPLETE", None)
        started = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal", "-q"]
        code = subprocess.run(
            [*command, *each.arguments, *extra], env=environment, check=False
        ).returncode
        if code == TESTS_FAILED and passes_alone(environment):
            code = 0
        print(f"--- {each.name}: {time.monotonic() - started:.0f} s", flush=True)
        if code not in {0, NO_TESTS_COLLECTED}:
            failed.append(each.name)
    return 1 if failed else 0


def passes_alone(environment: dict[str, str]) -> bool:
    """A few failed tests of browsers, clients and servers pass when nothing else runs beside them.

    They wait for processes of others, on a machine that may be busy with anything. Whatever fails
    in this process is never tried again. A test that needed this is named, and has to be mended.
    """
    latest = Path(".pytest_cache/v/cache/lastfailed")
    failed = sorted(json.loads(latest.read_text())) if latest.exists() else []
    if not 0 < len(failed) <= MOST_RETRIED:
        return False
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *failed]
    ours = subprocess.run(
        [*pytest, "--collect-only", "-m", f"not ({WITH_REAL_PARTS})"],
        env=environment, check=False, capture_output=True,
    )  # fmt: skip
    if ours.returncode != NO_TESTS_COLLECTED:
        return False
    print(f"\n--- once more, alone: {', '.join(failed)}\n", flush=True)
    return subprocess.run(pytest, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
