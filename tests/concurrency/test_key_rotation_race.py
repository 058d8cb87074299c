"""Rotations at once, by real processes, and how soon other processes sign with the new key."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from tests.support.forked import command, together

AT_ONCE = 6
SEEN_WITHIN = 5.0
JWKS = "/.well-known/jwks.json"


def in_parallel(*arguments, count=AT_ONCE):
    return together(lambda: command("rotate_keys", *arguments), count=count)


def known_states():
    from authplane.core import clock
    from oauth.keys import snapshot
    from oauth.keys.record import state_of

    keys, now = snapshot.driver().read(), clock.now()
    return sorted(str(state_of(key, among=keys, now=now)) for key in keys)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
class TestDatabase:
    def test_processes_that_start_together_make_one_first_key(self):
        made = in_parallel("--if-missing")

        assert 1 == len({each["kid"] for each in made})
        assert ["active"] == known_states()

    def test_planned_rotations_at_once_publish_one_next_key(self):
        from oauth.keys import rotation

        rotation.ensure_first_key()

        done = in_parallel()

        assert 1 == len({each["kid"] for each in done})
        assert 1 == sum(each["changed"] for each in done)
        assert ["active", "upcoming"] == known_states()

    def test_immediate_rotations_at_once_leave_one_active_key(self):
        from oauth.keys import rotation

        rotation.ensure_first_key()

        done = in_parallel("--immediate")

        assert AT_ONCE == len({each["kid"] for each in done})
        assert ["active", *["retiring"] * AT_ONCE] == known_states()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_key_file_is_changed_by_one_process_at_a_time(override_config, tmp_path):
    folder = tmp_path / "keys"
    override_config(signing={"key_store": "keyfile", "key_path": str(folder)})

    made = in_parallel("--if-missing", count=4)
    in_parallel("--immediate", count=3)

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
