"""Windows of requests: in Redis, and in the database without it."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import RequestFactory

from authplane.core import shared
from authplane.core.config import override_config
from authplane.core.models import RequestWindow
from authplane.core.windows import over_limit, take

DEAD = "redis://127.0.0.1:1/0"

pytestmark = pytest.mark.django_db


def spend(count, *, route="probe", key="a", limit=3, seconds=60):
    return [take(route, key, limit=limit, seconds=seconds) for _ in range(count)]


@pytest.fixture(
    params=["", DEAD, pytest.param("redis", marks=pytest.mark.redis)], ids=["none", "dead", "redis"]
)
def store(request):
    """Runs a test with Redis, without it, and while it is away."""
    if request.param == "redis":
        yield "redis"
        return
    with override_config(storage={"redis_url": request.param}):
        yield "database"


@pytest.mark.shows("setting", "rate_limit.enabled")
def test_so_many_requests_and_no_more(store):
    verdicts = spend(5)

    assert [verdict.allowed for verdict in verdicts] == [True] * 3 + [False] * 2
    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0, 0]
    with override_config(rate_limit={"enabled": False}):
        assert spend(1)[0].allowed


def test_a_refusal_says_when_the_window_ends(store):
    allowed, refused = spend(2, limit=1, seconds=900)

    assert 890 <= refused.retry_after <= 900
    assert abs(refused.reset_at - time.time() - 900) < 10
    assert abs(refused.reset_at - allowed.reset_at) <= 1
    assert refused.headers() == {
        "Retry-After": str(refused.retry_after),
        "X-RateLimit-Limit": "1",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(refused.reset_at),
    }


def test_refused_requests_do_not_prolong_a_window(store):
    first = spend(4)[0]

    assert abs(spend(1)[0].reset_at - first.reset_at) <= 1


def test_callers_and_routes_are_counted_apart(store):
    spend(4)

    assert spend(1, key="b")[0].allowed
    assert spend(1, route="other")[0].allowed


def test_a_new_window_begins_when_the_old_one_is_over(store, frozen_clock):
    if store == "redis":
        spend(4)
        client = shared.client()
        client.pexpire(client.keys("window:*")[0], 1)
        time.sleep(0.005)
    else:
        spend(4, seconds=60)
        frozen_clock.shift(61)

    assert [verdict.allowed for verdict in spend(4)] == [True] * 3 + [False]


@pytest.mark.redis
def test_redis_forgetting_the_script_changes_nothing():
    spend(1)
    shared.client().script_flush()

    assert [verdict.allowed for verdict in spend(3)] == [True, True, False]


@pytest.mark.parametrize("redis_url", ["", pytest.param(None, marks=pytest.mark.redis)])
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_get_no_more_than_the_limit(redis_url):
    def one(_number):
        try:
            return take("probe", "p", limit=7, seconds=60).allowed
        finally:
            connection.close()

    storage = {} if redis_url is None else {"redis_url": redis_url}
    with override_config(storage=storage), ThreadPoolExecutor(20) as pool:
        allowed = sum(pool.map(one, range(20)))

    assert allowed == 7


def test_nobody_can_read_who_asked():
    with override_config(storage={"redis_url": ""}):
        spend(1, key="alice@example.com")

    assert "alice" not in RequestWindow.objects.get().key


def test_the_body_of_a_refusal():
    refused = spend(2, limit=1)[1]

    answer = over_limit(RequestFactory().get("/x", headers={"Accept": "application/json"}), refused)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == str(refused.retry_after)
    body = json.loads(answer.content)
    assert {"error", "error_description", "message", "retryAfter"} <= set(body)
    assert body["error"] == "rate_limit_exceeded"
    assert body["retryAfter"] == refused.retry_after
