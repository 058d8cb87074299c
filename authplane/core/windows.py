"""Budgets of one caller on one route: so many requests in a window of time.

For routes that ask a service of others, or spend what a person is waiting for. The general budget
of an address (ratelimit) is counted before and by itself.
"""

from __future__ import annotations

import hashlib
import math
import time
from typing import TYPE_CHECKING, Final, cast

from django.db import connection
from redis.exceptions import NoScriptError

from authplane.core import shared
from authplane.core.config import config
from authplane.core.hashing import b64url, sha256
from authplane.core.http import error_response
from authplane.core.metrics import counter
from authplane.core.network import client_address, network_key
from authplane.core.ratelimit import Verdict

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from redis import Redis

# A refused request moves nothing: the window ends when its first request said.
COUNT_IN_REDIS: Final = """
local limit, length = tonumber(ARGV[1]), tonumber(ARGV[2])
local count = tonumber(redis.call('GET', KEYS[1])) or 0
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('SET', KEYS[1], 1, 'PX', length)
  return {1, limit - 1, length}
end
if count >= limit then return {0, 0, left} end
return {1, limit - redis.call('INCR', KEYS[1]), left}
"""

COUNT_DIGEST: Final = hashlib.sha1(COUNT_IN_REDIS.encode(), usedforsecurity=False).hexdigest()

COUNT: Final = """
    INSERT INTO core_requestwindow AS known (key, requests, ends_at)
    VALUES (%(key)s, 1, %(ends_at)s)
    ON CONFLICT (key) DO UPDATE SET
        requests = CASE WHEN known.ends_at <= %(now)s THEN 1 ELSE known.requests + 1 END,
        ends_at = CASE WHEN known.ends_at <= %(now)s THEN %(ends_at)s ELSE known.ends_at END
    WHERE known.ends_at <= %(now)s OR known.requests < %(limit)s
    RETURNING requests, ends_at
"""


def take(route: str, key: str, *, limit: int, seconds: int) -> Verdict:
    """Count one request of ``key`` on ``route``: ``limit`` of them in ``seconds``.

    A window begins with the first request in it. Counted in Redis; without it, or while it is
    away, in the database, so that an outage gives nobody an uncounted guess. To be called outside
    of a transaction, whose end would undo or delay the count.

    Everything is allowed where ``rate_limit.enabled`` is off.
    """
    if not config().rate_limit.enabled:
        return Verdict(True, 0, limit, limit)
    # Hashed: neither store must become a list of who asked for what from where.
    name = f"{route}:{b64url(sha256(key))}"
    verdict = _count(name, limit=limit, seconds=seconds)
    if not verdict.allowed:
        counter("rate_limit_hits_total").labels(route).inc()
    return verdict


def take_of_address(request: HttpRequest, route: str, *, limit: int, seconds: int = 60) -> Verdict:
    """The same for the address, or the network, that a request comes from."""
    return take(route, network_key(client_address(request)), limit=limit, seconds=seconds)


def over_limit(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    """429 as JSON: the one error body, and beside it `message` and `retryAfter` in seconds."""
    return error_response(
        request,
        error="rate_limit_exceeded",
        description="rate limit exceeded",
        status=429,
        headers=verdict.headers(),
        message="rate limit exceeded",
        retryAfter=verdict.retry_after,
    )


def _count(name: str, *, limit: int, seconds: int) -> Verdict:
    if shared.is_configured():
        try:
            return _count_in_redis(f"window:{name}", limit=limit, seconds=seconds)
        except shared.SharedStateDown:
            pass
    return _count_in_database(name, limit=limit, seconds=seconds)


def _count_in_redis(key: str, *, limit: int, seconds: int) -> Verdict:
    allowed, remaining, left = cast(
        "list[int]", shared.ask(lambda redis: _script(redis, key, limit, seconds * 1000))
    )
    return _verdict(bool(allowed), limit, remaining=remaining, ends_at=time.time() + left / 1000)


def _script(client: Redis, key: str, limit: int, length: int) -> object:
    try:
        return client.evalsha(COUNT_DIGEST, 1, key, str(limit), str(length))
    except NoScriptError:
        return client.eval(COUNT_IN_REDIS, 1, key, str(limit), str(length))


def _count_in_database(key: str, *, limit: int, seconds: int) -> Verdict:
    """One conditional upsert: the row changes only when a request is left in the window."""
    now = time.time()
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key, "now": now, "ends_at": now + seconds, "limit": limit})
        row = cursor.fetchone()
        if row is not None:
            return _verdict(True, limit, remaining=limit - row[0], ends_at=row[1])
        cursor.execute("SELECT ends_at FROM core_requestwindow WHERE key = %s", [key])
        row = cursor.fetchone()
    return _verdict(False, limit, remaining=0, ends_at=row[0] if row else now)


def _verdict(allowed: bool, limit: int, *, remaining: int, ends_at: float) -> Verdict:
    wait = 0 if allowed else max(1, math.ceil(ends_at - time.time()))
    return Verdict(allowed, wait, limit, max(0, remaining), reset_at=math.ceil(ends_at))
