"""Signing keys over time: what each is for, from when, and until when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.safestring import SafeString

from admin_api.console.inspecting import in_words
from admin_api.console.plots import Span, timeline
from oauth.keys.record import KeyRecord, State, state_of
from oauth.keys.store import keys_in_force

MOST_KEYS: Final = 8
TONES: Final = {State.ACTIVE: "good", State.UPCOMING: "", State.RETIRING: "warn"}
UPCOMING, ACTIVE, RETIRING = 7, 1, 3
"""Colours of the plot."""


@dataclass(frozen=True, slots=True)
class KeyLife:
    """A key with its dates: published, signing from, signing until, accepted until."""

    kid: str
    algorithm: str
    state: str
    tone: str
    published: datetime
    signs_from: datetime
    signs_until: datetime | None
    accepted_until: datetime | None
    next_step: str


def lives(*, now: datetime) -> tuple[KeyLife, ...]:
    """The newest keys, those that have ended among them. No statement while keys are remembered."""
    keys = sorted(keys_in_force().known.keys, key=lambda key: key.activates_at)
    told = list(_told(keys, now=now))
    return tuple(told[::-1][:MOST_KEYS])


def drawn(told: Sequence[KeyLife], *, now: datetime) -> SafeString:
    """The timeline of keys that have not ended; their dates stand in the table beside it."""
    alive = [life for life in told if life.state != State.RETIRED]
    rows = [(f"{life.kid[:24]} ({life.state})", tuple(_spans(life))) for life in alive]
    words = "; ".join(f"{life.kid} is {life.state}, {life.next_step}" for life in alive)
    return timeline("Signing keys over time", rows, now=now, words=words or "no keys")


def _told(keys: list[KeyRecord], *, now: datetime) -> Iterator[KeyLife]:
    for place, key in enumerate(keys):
        state = state_of(key, among=keys, now=now)
        later = keys[place + 1].activates_at if place + 1 < len(keys) else None
        ends = min((date for date in (key.expires_at, key.withdrawn_at) if date), default=None)
        until = min((date for date in (later, ends) if date), default=None)
        yield KeyLife(
            key.kid, key.algorithm, str(state), TONES.get(state, ""),
            key.created_at, key.activates_at, until, ends,
            _next(state, key.activates_at, until, ends, now=now),
        )  # fmt: skip


def _next(
    state: State, begins: datetime, until: datetime | None, ends: datetime | None, *, now: datetime
) -> str:
    if state is State.UPCOMING:
        return f"signs {in_words(begins, now=now)}"
    if state is State.ACTIVE:
        return f"hands over {in_words(until, now=now)}" if until else "signs until it is rotated"
    if state is State.RETIRING:
        return f"accepted until {in_words(ends, now=now)}" if ends else "still accepted"
    return f"ended {in_words(ends, now=now)}" if ends else "ended"


def _spans(life: KeyLife) -> Iterator[Span]:
    if life.published < life.signs_from:
        yield Span(life.published, life.signs_from, UPCOMING, "published, does not sign yet")
    yield Span(life.signs_from, life.signs_until, ACTIVE, "signs")
    if life.signs_until and life.accepted_until and life.signs_until < life.accepted_until:
        yield Span(life.signs_until, life.accepted_until, RETIRING, "still accepted")
