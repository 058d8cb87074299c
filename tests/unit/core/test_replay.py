"""One-time values."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from authplane.core.config import override_config
from authplane.core.models import OneTimeValue
from authplane.core.replay import spend_once

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["database", pytest.param("redis", marks=pytest.mark.redis), "redis down"])
def store(request):
    """Each place that can remember a spent value."""
    if request.param == "redis":
        yield request.param
        return
    url = "" if request.param == "database" else "redis://127.0.0.1:1/0"
    with override_config(storage={"redis_url": url}):
        yield request.param


def test_a_value_can_be_spent_once(store):
    assert spend_once("jti", "value", ttl=60)
    assert not spend_once("jti", "value", ttl=60)
    assert spend_once("jti", "other", ttl=60)
    assert spend_once("nonce", "value", ttl=60)


def test_a_namespace_cannot_reach_into_another(store):
    assert spend_once("a", "b:c", ttl=60)
    assert spend_once("a:b", "c", ttl=60)
    assert not spend_once("a", "b:c", ttl=60)


def test_after_its_time_a_value_may_come_again(frozen_clock):
    with override_config(storage={"redis_url": ""}):
        assert spend_once("jti", "value", ttl=60)
        frozen_clock.shift(59)
        assert not spend_once("jti", "value", ttl=60)
        frozen_clock.shift(2)
        assert spend_once("jti", "value", ttl=60)
        assert not spend_once("jti", "value", ttl=60)


def test_durable_values_live_in_the_database_only_as_digests():
    assert spend_once("assertion", "secret-value", ttl=60, durable=True)
    assert not spend_once("assertion", "secret-value", ttl=60, durable=True)

    row = OneTimeValue.objects.get()
    assert row.namespace == "assertion"
    assert "secret-value" not in row.digest


def test_spending_is_one_statement(query_budget):
    with query_budget(1):
        spend_once("jti", "value", ttl=60, durable=True)


@pytest.mark.redis
def test_of_parallel_uses_one_wins_in_redis():
    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(lambda _: spend_once("jti", "same", ttl=60), range(40)))

    assert wins.count(True) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_parallel_uses_one_wins_in_the_database():
    from django.db import connection

    def use(_):
        try:
            return spend_once("jti", "same", ttl=60, durable=True)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(use, range(40)))

    assert wins.count(True) == 1
