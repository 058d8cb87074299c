"""Rows kept in the process for a few seconds, and dropped everywhere when they change.

A dropped entry is announced over Redis, so that all processes reload it at once. Without Redis, or
when an announcement is lost, an entry lives at most its time. Nothing that decides whether a
credential still counts may be read from here.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlsplit

import redis
from django.db import transaction

from authplane.core import shared
from authplane.core.config import config

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")

RECONNECT_AFTER = 1.0

log = logging.getLogger(__name__)


def channel() -> str:
    """Where drops are announced to the processes of this deployment.

    Channels of Redis know no databases: without the number in the name, two deployments on one
    Redis would empty each other's caches.
    """
    return f"authplane:drop:{urlsplit(config().storage.redis_url).path.strip('/') or '0'}"


_caches: weakref.WeakValueDictionary[str, TimedCache[Hashable, object]] = (
    weakref.WeakValueDictionary()
)


def forget_everything() -> None:
    """Every cache of this process is filled anew: what was read may have been taken back since."""
    for cache in list(_caches.values()):
        cache.forget()


class TimedCache(Generic[K, V]):
    """Values by key, loaded when missing or older than ``ttl`` seconds.

    What ``load`` returns is kept whatever it is, so None is a remembered absence. Exceptions are
    not kept.
    """

    def __init__(
        self, name: str, *, ttl: float, load: Callable[[K], V], max_size: int = 1024
    ) -> None:
        self.name = name
        self.ttl = ttl
        self.load = load
        self.max_size = max_size
        self._entries: dict[K, tuple[float, V]] = {}
        self._generation = 0
        self._lock = threading.Lock()
        _caches[name] = self  # type: ignore[assignment]

    def get(self, key: K) -> V:
        """The value of ``key``, at most ``ttl`` seconds old."""
        entry = self._entries.get(key)
        if entry is not None and entry[0] > time.monotonic():
            return entry[1]
        _listener.ensure_running()
        generation = self._generation
        value = self.load(key)
        with self._lock:
            # A drop that came while loading may be about the very row that was just read.
            if generation == self._generation:
                if len(self._entries) >= self.max_size:
                    self._make_room()
                self._entries[key] = (time.monotonic() + self.ttl, value)
        return value

    def drop(self, key: K | None = None) -> None:
        """``key``, or everything, is loaded anew at its next use, in every process."""
        self.forget(key)
        if shared.is_configured():
            # A key that JSON cannot carry unchanged is announced as "everything".
            told = key if isinstance(key, str | int) else None
            message = json.dumps({"cache": self.name, "key": told, "from": _listener.identity})
            try:
                shared.ask(lambda client: client.publish(channel(), message))
            except shared.SharedStateDown:
                log.warning("cache change not announced", extra={"cache": self.name})

    def forget(self, key: K | None = None) -> None:
        """The same in this process only."""
        with self._lock:
            self._generation += 1
            if key is None:
                self._entries.clear()
            else:
                self._entries.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def _make_room(self) -> None:
        """Expired entries go; if that is not enough, the oldest quarter."""
        now = time.monotonic()
        for key in [key for key, (until, _) in self._entries.items() if until <= now]:
            del self._entries[key]
        if len(self._entries) >= self.max_size:
            for key in list(self._entries)[: max(1, self.max_size // 4)]:
                del self._entries[key]


def drop_on_commit(cache: TimedCache[K, V], key: K | None = None) -> None:
    """``cache`` forgets ``key`` once the present transaction is committed, at once without one.

    Earlier would be wrong: another process could load the old row again before the commit.
    """
    transaction.on_commit(lambda: cache.drop(key))


def drop_everything() -> None:
    """Every cache of this process is empty."""
    for cache in list(_caches.values()):
        cache.forget()


class _Listener:
    """The thread of this process that hears what other processes drop."""

    def __init__(self) -> None:
        self.process = 0
        self.url = ""
        self.lock = threading.Lock()
        self.identity = ""

    def ensure_running(self) -> None:
        """A thread listens if there is a Redis; after a fork the child gets its own."""
        if self.process == os.getpid() or not shared.is_configured():
            return
        with self.lock:
            if self.process == os.getpid():
                return
            self.process = os.getpid()
            self.identity = f"{os.getpid()}-{time.monotonic_ns()}"
            threading.Thread(target=self._listen, name="cache-drops", daemon=True).start()

    def _listen(self) -> None:
        while self.process == os.getpid():
            if not shared.is_configured():
                time.sleep(RECONNECT_AFTER)
                continue
            try:
                with shared.subscription(channel()) as messages:
                    # Whatever was announced while nobody listened is lost: start from nothing.
                    drop_everything()
                    for data in messages:
                        self._apply(data)
            except (redis.RedisError, ValueError):
                # A ValueError is a URL that is none: the outage of a configuration.
                time.sleep(RECONNECT_AFTER)

    def _apply(self, data: bytes) -> None:
        try:
            message = json.loads(data)
            cache = _caches.get(message["cache"])
            key = message["key"]
        except (ValueError, KeyError, TypeError):
            return
        if cache is not None and message.get("from") != self.identity:
            cache.forget(key)


_listener = _Listener()
