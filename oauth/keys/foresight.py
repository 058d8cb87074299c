"""What a rotation would lead to, worked out by the same rules and without doing it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta

from authplane.core import clock
from authplane.core.config import config
from oauth.keys.record import KeyRecord, State, active_key, state_of, upcoming_key
from oauth.keys.rotation import TICK, end_of_service
from oauth.keys.snapshot import driver

NEW = "(the new key)"
"""What a key is called that is not made yet: its id comes of the key itself."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The keys before and after. `changes` is False where the next key waits already.

    `signs_from` is when the key that follows begins to sign.
    """

    before: tuple[KeyRecord, ...]
    after: tuple[KeyRecord, ...]
    changes: bool
    signs_from: datetime
    now: datetime


def foresee(*, immediate: bool = False, withdraw: bool = False) -> Foreseen:
    """The outcome of `rotation.rotate` at this moment.

    Raises: KeyUnavailable.
    """
    keys, now = driver().read(), clock.now()
    alive = [key for key in keys if state_of(key, among=keys, now=now) is not State.RETIRED]
    active, waiting = active_key(keys, now=now), upcoming_key(keys, now=now)
    fits = waiting is not None and waiting.algorithm == config().signing.algorithm
    if waiting is not None and fits and active is not None and not immediate:
        return Foreseen(tuple(alive), tuple(alive), False, waiting.activates_at, now)
    start = _start(active, immediate=immediate, now=now)
    promoted = waiting if waiting is not None and fits and immediate and not withdraw else None
    follower = dataclasses.replace(promoted, activates_at=start) if promoted else _new(start, now)
    after = []
    for key in alive:
        if key is promoted:
            continue
        if withdraw or key is waiting:
            after.append(dataclasses.replace(key, withdrawn_at=now))
        elif key is active:
            after.append(dataclasses.replace(key, expires_at=end_of_service(start)))
        else:
            after.append(key)
    return Foreseen(tuple(alive), (*after, follower), True, start, now)


def _start(active: KeyRecord | None, *, immediate: bool, now: datetime) -> datetime:
    if active is None:
        return now
    if immediate:
        return max(now, active.activates_at + TICK)
    return max(now, active.activates_at) + timedelta(seconds=config().signing.jwks_max_age)


def _new(start: datetime, now: datetime) -> KeyRecord:
    return KeyRecord(
        kid=NEW,
        algorithm=config().signing.algorithm,
        public_jwk={},
        created_at=now,
        activates_at=start,
    )
