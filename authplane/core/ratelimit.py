"""Budgets of callers as token buckets.

A bucket is one number, the instant at which it will be full again (the generic cell rate
algorithm). A request moves that instant by one interval; it is refused when the instant would lie
further ahead than the whole bucket takes to fill.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from django.db import connection
from redis.exceptions import NoScriptError

from authplane.core import shared
from authplane.core.config import config
from authplane.core.hashing import b64url, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis import Redis


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is within its budget, and what to tell the caller."""

    allowed: bool
    retry_after: int
    limit: int
    remaining: int
    reset_at: int = 0
    """When a window ends, in seconds since 1970; 0 for a bucket, which has no end."""

    def headers(self) -> Mapping[str, str]:
        """The headers of a refusal."""
        return {
            "Retry-After": str(self.retry_after),
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at or self.retry_after),
        }


# One round trip; the clock is Redis's own, so that replicas agree without agreeing on time.
TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1])) or now
if full < now then full = now end
local next_full = full + interval
local wait = next_full - burst * interval - now
if wait > 0 then return {0, math.ceil(wait / 1000000), 0} end
redis.call('SET', KEYS[1], string.format('%.0f', next_full),
           'PX', math.ceil((next_full - now) / 1000) + 1)
return {1, 0, math.floor(-wait / interval)}
"""

TAKE_DIGEST: Final = hashlib.sha1(TAKE.encode(), usedforsecurity=False).hexdigest()


def take(scope: str, key: str, *, rate: float, burst: int, durable: bool = False) -> Verdict:
    """Count one request of ``key`` against its bucket: ``rate`` a second, ``burst`` at once.

    Counted in Redis where there is one. Without it, or while it is down, each process counts by
    itself, unless ``durable`` asks for the database; that is for rare and costly requests.
    """
    if shared.is_configured():
        try:
            return _take_in_redis(f"rate:{scope}:{key}", rate=rate, burst=burst)
        except shared.SharedStateDown:
            pass
    if durable:
        return _take_in_database(f"{scope}:{key}", rate=rate, burst=burst)
    return _local.take(f"{scope}:{key}", rate=rate, burst=burst)


def _take_in_redis(key: str, *, rate: float, burst: int) -> Verdict:
    interval = 1_000_000 / rate
    allowed, wait, remaining = cast(
        "list[int]", shared.ask(lambda redis: _script(redis, key, interval, burst))
    )
    return Verdict(bool(allowed), wait, burst, remaining)


def _script(client: Redis, key: str, interval: float, burst: int) -> object:
    """Run the script by its digest; only a server that has not seen it yet gets the text."""
    try:
        return client.evalsha(TAKE_DIGEST, 1, key, str(interval), str(burst))
    except NoScriptError:
        return client.eval(TAKE, 1, key, str(interval), str(burst))


class _LocalBuckets:
    """Buckets of this process, a bounded number of them."""

    def __init__(self) -> None:
        self.full_at: dict[str, float] = {}
        self.lock = threading.Lock()

    def take(self, key: str, *, rate: float, burst: int) -> Verdict:
        interval = 1 / rate
        now = time.monotonic()
        with self.lock:
            next_full = max(self.full_at.get(key, now), now) + interval
            wait = next_full - burst * interval - now
            if wait > _ROUNDING:
                return Verdict(False, math.ceil(wait), burst, 0)
            self.full_at[key] = next_full
            if len(self.full_at) > config().rate_limit.max_tracked_identities:
                self._forget(now)
        return Verdict(True, 0, burst, int(-wait / interval + _ROUNDING))

    def _forget(self, now: float) -> None:
        """Drop full buckets, which say nothing; if none is, the longest known tenth."""
        self.full_at = {key: at for key, at in self.full_at.items() if at > now}
        if len(self.full_at) > config().rate_limit.max_tracked_identities:
            for key in list(self.full_at)[: len(self.full_at) // 10]:
                del self.full_at[key]


_ROUNDING = 1e-6
_local = _LocalBuckets()


def forget_local() -> None:
    """This process has counted nobody yet."""
    with _local.lock:
        _local.full_at.clear()


def tracked_locally() -> int:
    """How many callers this process counts by itself."""
    return len(_local.full_at)


def _take_in_database(key: str, *, rate: float, burst: int) -> Verdict:
    """One conditional upsert: the row changes only when a token is there to be taken."""
    interval = 1 / rate
    now = time.time()
    name = key if len(key) <= _KEY_LENGTH else b64url(sha256(key))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_ratebucket AS bucket (key, full_at) VALUES (%s, %s)
            ON CONFLICT (key) DO UPDATE
            SET full_at = CASE WHEN bucket.full_at < %s THEN %s ELSE bucket.full_at END + %s
            WHERE bucket.full_at <= %s
            RETURNING full_at
            """,
            [name, now + interval, now, now, interval, now + (burst - 1) * interval],
        )
        row = cursor.fetchone()
        if row is not None:
            left = int((now + burst * interval - row[0]) / interval + _ROUNDING)
            return Verdict(True, 0, burst, left)
        cursor.execute("SELECT full_at FROM core_ratebucket WHERE key = %s", [name])
        row = cursor.fetchone()
    wait = (row[0] if row else now) - (now + (burst - 1) * interval)
    return Verdict(False, max(1, math.ceil(wait)), burst, 0)


_KEY_LENGTH = 128
