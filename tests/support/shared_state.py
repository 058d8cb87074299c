"""Empties what outlives a database rollback: the run's own Redis database and process caches."""

from __future__ import annotations

from functools import cache
from typing import Any


def empty_shared_state() -> None:
    """No counter, one-time value or cached row of an earlier test is left."""
    from django.conf import settings

    if client := _redis(settings.AUTHPLANE.storage.redis_url):
        client.flushdb()
    forget_in_process()


def forget_in_process() -> None:
    """This process knows nothing of an earlier test. Redis is left as it is."""
    from authplane.core import cache as process_caches
    from authplane.core import ratelimit, shared

    # An outage that an earlier test made up is over, and nobody remembers it.
    shared._connection.lost_at, shared._connection.away_until = None, 0.0
    process_caches.drop_everything()
    ratelimit.forget_local()


@cache
def _redis(url: str) -> Any:
    """The client for this test process's own numbered database; None without Redis."""
    if not url:
        return None
    import redis

    return redis.Redis.from_url(url)
