"""Several processes as one. The supervisor runs in a process of its own, with real children."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

SUPERVISE = """
import sys
from authplane.core.supervisor import Program, supervise
programs = [Program(f"p{n}", [sys.executable, "-c", code]) for n, code in enumerate(sys.argv[2:])]
sys.exit(supervise(programs, grace=float(sys.argv[1])))
"""

LASTING = "import time; print('up', flush=True); time.sleep(60)"
FORKING = (
    "import os, time\n"
    "child = os.fork()\n"
    "print('child', child, flush=True) if child else None\n"
    "time.sleep(60)\n"
)
STUBBORN = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('up', flush=True)\n"
    "time.sleep(60)\n"
)


STARTING = (
    "import signal, sys, time\n"
    "def lost(*_): signal.signal(signal.SIGTERM, ended)\n"
    "def ended(*_): print('heard', flush=True); sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, lost)\n"
    "print('up', flush=True)\n"
    "time.sleep(60)\n"
)
"""Loses the first signal, as servers do whose workers still load the application."""


@contextlib.contextmanager
def supervised(*codes, grace=1.0):
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, str(grace), *codes],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def lines_until(process, count):
    return [process.stdout.readline() for _ in range(count)]


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def gone(pid, *, within=3.0):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not is_running(pid):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_stop_stops_everything_and_is_no_failure(number):
    with supervised(LASTING, LASTING) as process:
        lines_until(process, 2)

        process.send_signal(number)

        assert process.wait(timeout=5) == 0


def test_workers_that_a_program_forked_are_stopped_too():
    with supervised(FORKING) as process:
        forked = int(lines_until(process, 1)[0].split()[-1])
        assert is_running(forked)

        process.send_signal(signal.SIGINT)

        process.wait(timeout=5)
        assert gone(forked)


def test_a_program_that_was_not_ready_to_listen_is_asked_again():
    with supervised(STARTING, grace=20.0) as process:
        lines_until(process, 1)

        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=25)

        assert process.returncode == 0
        assert "heard" in output


def test_a_program_that_does_not_listen_is_killed_when_its_time_is_over():
    with supervised(STUBBORN) as process:
        lines_until(process, 1)
        begun = time.monotonic()

        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=8) == 0
        assert time.monotonic() - begun >= 1.0


def test_the_end_of_one_program_ends_the_others_and_is_a_failure():
    with supervised(LASTING, "raise SystemExit(3)") as process:
        output, _ = process.communicate(timeout=8)

        assert process.returncode == 1
        assert "p1 ended with status 3" in output


def test_a_program_that_cannot_start_leaves_no_other_behind():
    code = SUPERVISE.replace(
        '[sys.executable, "-c", code]', '["/nowhere"] if n else [sys.executable, "-c", code]'
    )
    marker = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(60)"
    done = subprocess.run(
        [sys.executable, "-c", code, marker, "unused"],
        cwd=ROOT, capture_output=True, text=True, timeout=10, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert done.returncode != 0
    started = [int(line.split()[-1]) for line in done.stdout.splitlines() if "|" in line]
    assert all(gone(pid) for pid in started)


def test_output_carries_the_name_of_its_program():
    with supervised(LASTING) as process:
        assert lines_until(process, 1) == ["p0       | up\n"]
