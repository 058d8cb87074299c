"""Token buckets: in the process, in Redis, in the database."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from authplane.core import ratelimit, shared
from authplane.core.config import config, override_config
from authplane.core.ratelimit import Verdict, take


def spend(count, *, key="a", rate=1.0, burst=5, **options):
    return [take("test", key, rate=rate, burst=burst, **options) for _ in range(count)]


@pytest.fixture
def without_redis():
    with override_config(storage={"redis_url": ""}):
        ratelimit.forget_local()
        yield


@pytest.fixture
def dead_redis():
    with override_config(storage={"redis_url": "redis://127.0.0.1:1/0"}):
        ratelimit.forget_local()
        yield


KINDS = [
    pytest.param("local", id="process"),
    pytest.param("database", id="database", marks=pytest.mark.django_db),
    pytest.param("redis", id="redis", marks=pytest.mark.redis),
]


@pytest.fixture(params=KINDS)
def durable(request):
    """Runs a test once for each place that counts."""
    kind = request.param
    if kind == "redis":
        yield False
        return
    with override_config(storage={"redis_url": ""}):
        ratelimit.forget_local()
        yield kind == "database"


def test_a_burst_is_allowed_and_the_next_request_is_refused(durable):
    verdicts = spend(6, durable=durable)

    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False]
    assert [verdict.remaining for verdict in verdicts] == [4, 3, 2, 1, 0, 0]
    assert verdicts[-1].retry_after == 1
    assert verdicts[-1].limit == 5


def test_a_refused_request_costs_nothing(durable):
    waits = [verdict.retry_after for verdict in spend(30, rate=0.1, durable=durable)[5:]]

    assert set(waits) <= {9, 10}


def test_callers_and_scopes_do_not_share_a_bucket(durable):
    spend(6, durable=durable)

    assert spend(1, key="b", durable=durable)[0].allowed
    assert take("other", "a", rate=1, burst=5, durable=durable).allowed


def test_tokens_come_back_with_time(durable):
    # Slow enough that a busy machine cannot earn a token between two lines.
    spend(5, rate=1, durable=durable)
    assert not spend(1, rate=1, durable=durable)[0].allowed

    time.sleep(1.1)

    assert spend(1, rate=1, durable=durable)[0].allowed


@pytest.mark.redis
def test_parallel_requests_never_get_more_than_the_burst():
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda _: take("test", "p", rate=0.01, burst=10), range(80)))

    assert sum(verdict.allowed for verdict in verdicts) == 10


@pytest.mark.redis
def test_a_full_bucket_leaves_nothing_in_redis():
    spend(1, rate=1000, burst=5)

    time.sleep(0.05)

    assert shared.client().get("rate:test:a") is None


@pytest.mark.redis
def test_redis_forgetting_the_script_changes_nothing():
    spend(1)
    shared.client().script_flush()

    assert spend(5)[-1].allowed is False


def test_without_an_answer_from_redis_each_process_counts(dead_redis):
    assert [verdict.allowed for verdict in spend(6)] == [True] * 5 + [False]


def test_an_outage_does_not_slow_every_request_down(dead_redis):
    spend(1)
    started = time.monotonic()

    spend(200, burst=1000)

    assert time.monotonic() - started < 0.5


@pytest.mark.shows("setting", "rate_limit.max_tracked_identities")
def test_the_process_remembers_a_bounded_number_of_callers(without_redis):
    with override_config(rate_limit={"max_tracked_identities": 100}):
        for number in range(500):
            take("test", str(number), rate=0.001, burst=2)

        assert ratelimit.tracked_locally() <= 101
        assert take("test", "499", rate=0.001, burst=2).remaining == 0
    assert config().rate_limit.max_tracked_identities == 250_000


def test_full_buckets_are_forgotten_first(without_redis):
    with override_config(rate_limit={"max_tracked_identities": 100}):
        take("test", "slow", rate=0.001, burst=1)
        for number in range(300):
            take("test", str(number), rate=1e9, burst=2)

        assert not take("test", "slow", rate=0.001, burst=1).allowed


def test_the_headers_of_a_refusal():
    assert Verdict(allowed=False, retry_after=3, limit=20, remaining=0).headers() == {
        "Retry-After": "3",
        "X-RateLimit-Limit": "20",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "3",
    }
