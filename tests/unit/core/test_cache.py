"""Caches of the process."""

from __future__ import annotations

import re
import time
from threading import Event, Thread

import pytest
from django.db import transaction

from authplane.core import cache as caches
from authplane.core import shared
from authplane.core.cache import TimedCache, channel, drop_on_commit
from tests.support.server import ROOT


class Source:
    """Counts how often something was loaded."""

    def __init__(self):
        self.loads = []
        self.value = 1

    def __call__(self, key):
        self.loads.append(key)
        return self.value


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def cache(source):
    return TimedCache("test", ttl=60, load=source)


def test_a_value_is_loaded_once(cache, source):
    assert [cache.get("a"), cache.get("a"), cache.get("b")] == [1, 1, 1]
    assert source.loads == ["a", "b"]


def test_absence_is_remembered(cache, source):
    source.value = None

    assert cache.get("a") is cache.get("a") is None
    assert len(source.loads) == 1


def test_a_failure_is_not_remembered():
    def load(key):
        raise LookupError

    cache = TimedCache("failing", ttl=60, load=load)
    for _ in range(2):
        with pytest.raises(LookupError):
            cache.get("a")


def test_a_value_past_its_time_is_loaded_again(source):
    cache = TimedCache("short", ttl=0.01, load=source)
    cache.get("a")
    time.sleep(0.02)
    source.value = 2

    assert cache.get("a") == 2


def test_a_dropped_key_is_loaded_again_and_others_stay(cache, source):
    cache.get("a")
    cache.get("b")
    cache.drop("a")
    cache.get("a")
    cache.get("b")

    assert source.loads == ["a", "b", "a"]
    cache.drop()
    cache.get("b")
    assert source.loads[-1] == "b"


def test_the_size_is_bounded(source):
    cache = TimedCache("small", ttl=60, load=source, max_size=8)
    for number in range(100):
        cache.get(number)

    assert len(cache) <= 8
    assert cache.get(99) == 1


def test_a_drop_while_loading_wins_over_the_old_row():
    reading, changed = Event(), Event()

    def load(key):
        value = versions[0]
        reading.set()
        changed.wait(2)
        return value

    versions = ["old"]
    cache = TimedCache("racing", ttl=60, load=load)
    thread = Thread(target=cache.get, args=("a",))
    thread.start()
    reading.wait(2)
    versions[0] = "new"
    cache.drop("a")
    changed.set()
    thread.join()

    assert cache.get("a") == "new"


@pytest.mark.django_db(transaction=True)
def test_a_drop_waits_for_the_commit(cache, source):
    cache.get("a")
    with transaction.atomic():
        drop_on_commit(cache, "a")
        cache.get("a")
        assert source.loads == ["a"]
    cache.get("a")
    assert source.loads == ["a", "a"]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_change_drops_nothing(cache, source):
    cache.get("a")
    with transaction.atomic():
        drop_on_commit(cache, "a")
        transaction.set_rollback(True)
    cache.get("a")

    assert source.loads == ["a"]


@pytest.mark.redis
def test_a_drop_in_another_process_is_heard(cache, source):
    cache.get("a")
    deadline = time.monotonic() + 5
    while not shared.client().pubsub_numsub(channel())[0][1] and time.monotonic() < deadline:
        time.sleep(0.01)
    cache.get("a")
    seen = len(source.loads)

    shared.client().publish(channel(), '{"cache": "test", "key": "a", "from": "elsewhere"}')
    shared.client().publish(channel(), "not json")
    while "a" in cache and time.monotonic() < deadline:
        time.sleep(0.01)
    cache.get("a")

    assert len(source.loads) == seen + 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://127.0.0.1:6379/3", "authplane:drop:3"),
        ("redis://127.0.0.1:6379", "authplane:drop:0"),
        ("", "authplane:drop:0"),
    ],
)
def test_deployments_that_share_a_redis_do_not_hear_each_other(override_config, url, name):
    override_config(storage={"redis_url": url})

    assert channel() == name


@pytest.mark.redis
def test_a_drop_is_announced(cache):
    with shared.subscription(channel()) as messages:
        time.sleep(0.1)
        cache.drop("a")
        cache.drop(("odd", "key"))
        first, second = next(messages), next(messages)

    assert b'"key": "a"' in first
    assert b'"key": null' in second


def test_everything_can_be_dropped_at_once(cache, source):
    cache.get("a")
    caches.drop_everything()
    cache.get("a")

    assert len(source.loads) == 2


def test_no_two_caches_share_a_name():
    """What another process dropped is found by its name."""
    sources = [
        path.read_text(encoding="utf-8")
        for folder in ("authplane", "oauth", "broker", "admin_api")
        for path in (ROOT / folder).rglob("*.py")
    ]

    names = re.findall(r"TimedCache\(\s*\"(\w+)\"", "\n".join(sources))

    assert names
    assert len(names) == len(set(names)), sorted(names)
