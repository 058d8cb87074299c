"""Fifty threads want a token at once: the service is asked once, and everybody gets an answer."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database

from authplane.core import clock
from broker.models import Connection
from broker.refresh import engine
from broker.refresh.ahead import refresh_ahead
from broker.refresh.engine import ensure_fresh
from broker.refresh.outcomes import NoToken, ReconnectNeeded, TokenReuseDetected, UpstreamAway
from tests.support.factories import make_user
from tests.support.server import ROOT, environment_of_tests
from tests.support.upstream import ALLOWED, make_connection, make_provider, running_upstream

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
MANY = 50


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream(seconds=0.7) as world:
        yield world


@pytest.fixture
def row(upstream):
    return make_connection(make_provider(upstream), make_user())


def all_at_once(row):
    """What each of them got: a token, or how it failed."""
    barrier = threading.Barrier(MANY)

    def one(_number):
        try:
            barrier.wait(30)
            return ensure_fresh(row.pk, margin=60, now=clock.now()).value
        except NoToken as failed:
            return failed
        finally:
            database.close()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


@pytest.mark.parametrize("is_kept", [True, False])
def test_one_call_and_fifty_answers(row, upstream, override_config, is_kept):
    override_config(broker={"keep_access_tokens": is_kept})

    got = all_at_once(row)

    assert upstream.count("refresh_token") == 1
    assert len(set(got)) == 1
    assert got[0] in upstream.given
    row.refresh_from_db()
    assert ("active", None) == (row.status, row.refresh_used_at)


def test_a_token_that_lives_an_instant_is_shared_as_well(row, upstream):
    upstream.expires_in = 1

    assert 1 == len(set(all_at_once(row)))
    assert upstream.count("refresh_token") == 1


def test_nobody_waits_in_vain_where_others_keep_asking(row, upstream, monkeypatch):
    """Each refresh is followed by the next one: who looks in between must not miss them all."""
    monkeypatch.setattr(engine, "PATIENCE", 3.0)
    ends = clock.now() + timedelta(seconds=6)

    def asks_again(_number):
        try:
            got = set()
            while clock.now() < ends:
                got.add(ensure_fresh(row.pk, margin=60, now=clock.now()).value)
            return got
        finally:
            database.close()

    with ThreadPoolExecutor(8) as pool:
        got = set().union(*pool.map(asks_again, range(8)))

    assert got <= set(upstream.given)
    assert upstream.most_at_once == 1


def test_a_refusal_is_everybody_s(row, upstream):
    upstream.failures = [400]

    got = all_at_once(row)

    assert upstream.count("refresh_token") == 1
    assert {ReconnectNeeded} == {type(one) for one in got}


def test_an_unknown_outcome_is_everybody_s(row, upstream):
    upstream.drops = True

    got = all_at_once(row)

    assert upstream.count("refresh_token") == 1
    assert {UpstreamAway} == {type(one) for one in got}


def test_of_many_who_find_a_lapsed_attempt_one_ends_the_connection(row, upstream):
    Connection.objects.update(
        status="refreshing",
        refresh_used_at=clock.now(),
        lease_owner="gone",
        lease_until=clock.now() - timedelta(seconds=1),
    )

    got = all_at_once(row)

    assert upstream.count("refresh_token") == 0
    assert upstream.count("revoke") == 1
    assert 1 == sum(isinstance(one, TokenReuseDetected) for one in got)
    assert all(isinstance(one, ReconnectNeeded) for one in got)


@pytest.mark.shows("setting", "broker.refresh_ahead", "broker.refresh_concurrency")
def test_kept_tokens_are_renewed_ahead_of_their_end(upstream, override_config):
    override_config(
        broker={"keep_access_tokens": True, "refresh_ahead": 600, "refresh_concurrency": 2}
    )
    provider = make_provider(upstream)
    upstream.known |= {f"rt-{number}" for number in range(6)}
    for number in range(5):
        make_connection(provider, make_user(), refresh_token=f"rt-{number}", expires_in=599)
    make_connection(provider, make_user(), refresh_token="rt-5", expires_in=700)
    assert refresh_ahead() == {"renewed": 5, "ended": 0, "failed": 0}

    assert (5, 2) == (upstream.count("refresh_token"), upstream.most_at_once)
    assert refresh_ahead()["renewed"] == 0
    assert Connection.objects.filter(status="active", refresh_used_at=None).count() == 6


def test_without_kept_tokens_nothing_is_renewed_ahead(row, upstream):
    Connection.objects.update(access_expires_at=clock.now())

    assert refresh_ahead()["renewed"] == 0
    assert upstream.asked == []


def test_tokens_that_live_shorter_are_renewed_once_a_lifetime(upstream, override_config):
    override_config(broker={"keep_access_tokens": True})
    upstream.expires_in = 300
    make_connection(make_provider(upstream), make_user(), expires_in=300)

    assert [refresh_ahead()["renewed"] for _ in range(3)] == [1, 0, 0]


def test_a_failed_renewal_waits_longer_each_time(upstream, override_config):
    override_config(broker={"keep_access_tokens": True})
    row = make_connection(make_provider(upstream), make_user(), expires_in=10)
    pauses = []
    for _ in range(3):
        upstream.failures, upstream.error = [401], "invalid_client"
        assert refresh_ahead()["failed"] == 1
        assert refresh_ahead() == {"renewed": 0, "ended": 0, "failed": 0}
        row.refresh_from_db()
        pauses.append(row.next_attempt_at - clock.now())
        Connection.objects.update(next_attempt_at=None)

    assert sorted(pauses) == pauses
    assert refresh_ahead()["renewed"] == 1


DIES = """
import django; django.setup()
import os, signal, uuid
from authplane.core import clock
from authplane.core.config import override_config
from broker.refresh import engine
engine.claims.fresh_columns = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
with override_config(broker={{"allowed_private_hosts": ("127.0.0.1",)}}):
    engine.ensure_fresh(uuid.UUID({key!r}), margin=60, now=clock.now())
"""


def test_a_worker_killed_between_answer_and_commit(row, upstream, tmp_path):
    """A real process, killed: its mark was committed before the call, so the next one knows."""
    command = [sys.executable, "-c", DIES.format(key=str(row.pk))]
    env = environment_of_tests(folder=tmp_path)

    died = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, timeout=60, check=False)

    assert died.returncode == -signal.SIGKILL, died.stderr
    assert upstream.count("refresh_token") == 1
    row.refresh_from_db()
    assert row.status == "refreshing"
    assert row.refresh_used_at is not None
    Connection.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    with pytest.raises(TokenReuseDetected):
        ensure_fresh(row.pk, margin=60, now=clock.now())
    row.refresh_from_db()
    assert row.status == "revoked"
    assert upstream.count("refresh_token") == 1
