"""One-time identifiers: the first to present a value wins, everyone else sees it spent."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from authplane.core import clock, shared
from authplane.core.hashing import b64url, sha256


def spend_once(namespace: str, value: str, *, ttl: int, durable: bool = False) -> bool:
    """Whether this is the first time in ``ttl`` seconds that ``value`` is presented.

    Kept in Redis where there is one, else in the database. ``durable`` always means the database:
    for values whose second use must be noticed even when Redis lost its memory in between.
    """
    digest = digest_of(namespace, value)
    if shared.is_configured() and not durable:
        try:
            return bool(
                shared.ask(lambda redis: redis.set(f"once:{digest}", b"", nx=True, ex=max(1, ttl)))
            )
        except shared.SharedStateDown:
            pass
    return _spend_in_database(namespace, digest, ttl=ttl)


def digest_of(namespace: str, value: str) -> str:
    """What is kept of ``value``; for statements that spend it along with what it buys."""
    # With its length, so that no value can continue one namespace into another.
    return b64url(sha256(f"{len(namespace)}:{namespace}:{value}"))


def _spend_in_database(namespace: str, digest: str, *, ttl: int) -> bool:
    """One statement decides; a row past its time counts as absent, like an expired key."""
    now = clock.now()
    adapt = connection.ops.adapt_datetimefield_value
    present, expiry = adapt(now), adapt(now + timedelta(seconds=max(1, ttl)))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_onetimevalue AS known (digest, namespace, expires_at)
            VALUES (%s, %s, %s)
            ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at
            WHERE known.expires_at <= %s
            """,
            [digest, namespace, expiry, present],
        )
        return bool(cursor.rowcount == 1)
