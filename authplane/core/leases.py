"""Claims that every replica sees and that end by themselves: one worker at a time, or a few.

A claim is a row with an owner and an end. Whoever holds it may give it back early; whoever dies
with it holds up the others until its time is over, and no longer.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from authplane.core import clock, shared
from authplane.core.hashing import b64url, new_secret, sha256
from authplane.core.models import OneTimeValue

OWNER_BYTES = 12

# Given back only by its owner: after its time another one may hold it.
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim that was granted."""

    name: str
    owner: str

    def release(self) -> None:
        """The claim is free again, unless its time was over and another one has it."""
        if shared.is_configured():
            try:
                shared.ask(lambda redis: redis.eval(RELEASE, 1, _key(self.name), self.owner))
            except shared.SharedStateDown:
                pass
            else:
                return
        OneTimeValue.objects.filter(
            digest=_digest(self.name), namespace=_namespace(self.owner)
        ).delete()


def claim(name: str, *, ttl: int, slots: int = 1) -> Lease | None:
    """One of ``slots`` claims on ``name`` for ``ttl`` seconds; None when all are held.

    Kept in Redis where there is one, else in the database. While Redis is down both sides of its
    failure may grant a claim: what needs more than politeness needs a lock on its own row.
    """
    owner = new_secret(OWNER_BYTES)
    first = secrets.randbelow(slots)
    for number in range(slots):
        slot = f"{name}:{(first + number) % slots}" if slots > 1 else name
        if _take(slot, owner, ttl=max(1, ttl)):
            return Lease(slot, owner)
    return None


def is_claimed(name: str) -> bool:
    """Whether somebody holds the only claim on ``name``."""
    if shared.is_configured():
        try:
            return bool(shared.ask(lambda redis: redis.exists(_key(name))))
        except shared.SharedStateDown:
            pass
    return OneTimeValue.objects.filter(digest=_digest(name), expires_at__gt=clock.now()).exists()


def _take(slot: str, owner: str, *, ttl: int) -> bool:
    if shared.is_configured():
        try:
            return bool(shared.ask(lambda redis: redis.set(_key(slot), owner, nx=True, ex=ttl)))
        except shared.SharedStateDown:
            pass
    return _take_in_database(slot, owner, ttl=ttl)


def _take_in_database(slot: str, owner: str, *, ttl: int) -> bool:
    """One statement decides; a row past its time counts as absent."""
    now = clock.now()
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_onetimevalue AS known (digest, namespace, expires_at)
            VALUES (%s, %s, %s)
            ON CONFLICT (digest) DO UPDATE
            SET namespace = excluded.namespace, expires_at = excluded.expires_at
            WHERE known.expires_at <= %s
            """,
            [_digest(slot), _namespace(owner), adapt(now + timedelta(seconds=ttl)), adapt(now)],
        )
        return bool(cursor.rowcount == 1)


def _key(name: str) -> str:
    return f"lease:{_digest(name)}"


def _digest(name: str) -> str:
    return b64url(sha256(f"lease:{name}"))


def _namespace(owner: str) -> str:
    return f"lease:{owner}"
