"""Rotations at once, by real processes, and how soon other processes sign with the new key."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.support.server import environment_of_tests

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 6
SEEN_WITHIN = 5.0
JWKS = "/.well-known/jwks.json"


def manage(*arguments, environment):
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcomes(processes):
    printed = [process.communicate(timeout=120) for process in processes]
    assert [0] * len(processes) == [process.returncode for process in processes], printed
    return [json.loads(output) for output, _errors in printed]


def in_parallel(*arguments, environment, count=AT_ONCE):
    return outcomes([manage(*arguments, environment=environment) for _ in range(count)])


def known_states():
    from authplane.core import clock
    from oauth.keys import snapshot
    from oauth.keys.record import state_of

    keys, now = snapshot.driver().read(), clock.now()
    return sorted(str(state_of(key, among=keys, now=now)) for key in keys)


@pytest.fixture
def environment(transactional_db, tmp_path):
    return environment_of_tests(folder=tmp_path)


@pytest.mark.slow
@pytest.mark.postgres
class TestDatabase:
    def test_processes_that_start_together_make_one_first_key(self, environment):
        made = in_parallel("rotate_keys", "--if-missing", "--json", environment=environment)

        assert 1 == len({each["kid"] for each in made})
        assert ["active"] == known_states()

    def test_planned_rotations_at_once_publish_one_next_key(self, environment):
        from oauth.keys import rotation

        rotation.ensure_first_key()

        done = in_parallel("rotate_keys", "--json", environment=environment)

        assert 1 == len({each["kid"] for each in done})
        assert 1 == sum(each["changed"] for each in done)
        assert ["active", "upcoming"] == known_states()

    def test_immediate_rotations_at_once_leave_one_active_key(self, environment):
        from oauth.keys import rotation

        rotation.ensure_first_key()

        done = in_parallel("rotate_keys", "--immediate", "--json", environment=environment)

        assert AT_ONCE == len({each["kid"] for each in done})
        assert ["active", *["retiring"] * AT_ONCE] == known_states()


@pytest.mark.slow
def test_a_key_file_is_changed_by_one_process_at_a_time(environment, tmp_path):
    folder = tmp_path / "keys"
    environment |= {
        "AUTHPLANE_SIGNING_KEY_STORE": "keyfile",
        "AUTHPLANE_SIGNING_KEY_PATH": str(folder),
        "AUTHPLANE_TEST_PLAIN": "1",
    }

    made = in_parallel("rotate_keys", "--if-missing", "--json", environment=environment, count=4)
    in_parallel("rotate_keys", "--immediate", "--json", environment=environment, count=3)

    assert 1 == len({each["kid"] for each in made})
    assert 4 == len(json.loads((folder / "signing-keys.json").read_text())["keys"])


@pytest.mark.server
@pytest.mark.postgres
def test_every_process_publishes_a_rotated_key_within_seconds(server):
    from oauth.keys import rotation

    rotation.ensure_first_key()
    running = server(processes=3, threads=2, AUTHPLANE_RATE_LIMIT_ENABLED="false")
    for _ in range(30):
        httpx.get(running.url + JWKS, trust_env=False).raise_for_status()

    new = rotation.rotate(immediate=True)

    deadline = time.monotonic() + SEEN_WITHIN
    agreed = 0
    while agreed < 30:
        assert time.monotonic() < deadline, "some process still publishes the old key first"
        # A connection each, so that the answers come from all processes.
        answer = httpx.get(running.url + JWKS, trust_env=False)
        agreed = agreed + 1 if new.kid == answer.json()["keys"][0]["kid"] else 0
