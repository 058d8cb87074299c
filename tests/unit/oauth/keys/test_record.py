from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from oauth.keys.record import (
    KeyRecord,
    State,
    active_key,
    published_keys,
    state_of,
    upcoming_key,
)

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def key(kid, *, activates, expires=None, withdrawn=None):
    def at(minutes):
        return None if minutes is None else NOON + timedelta(minutes=minutes)

    return KeyRecord(
        kid=kid,
        algorithm="ES256",
        public_jwk={},
        created_at=NOON,
        activates_at=at(activates),
        expires_at=at(expires),
        withdrawn_at=at(withdrawn),
    )


OLD = key("old", activates=-60, expires=120)
NEW = key("new", activates=5)
KEYS = [NEW, OLD]


@pytest.mark.parametrize(
    ("minute", "old", "new"),
    [
        (0, State.ACTIVE, State.UPCOMING),
        (4.999, State.ACTIVE, State.UPCOMING),
        (5, State.RETIRING, State.ACTIVE),
        (119.999, State.RETIRING, State.ACTIVE),
        (120, State.RETIRED, State.ACTIVE),
    ],
)
def test_states_follow_from_the_clock_alone(minute, old, new):
    now = NOON + timedelta(minutes=minute)

    assert (old, new) == tuple(state_of(each, among=KEYS, now=now) for each in (OLD, NEW))


def test_a_withdrawn_key_is_over_whatever_its_dates_say():
    gone = key("gone", activates=-1, withdrawn=0)

    assert State.RETIRED is state_of(gone, among=[gone, OLD], now=NOON)
    assert OLD is active_key([gone, OLD], now=NOON)
    assert [OLD] == published_keys([gone, OLD], now=NOON)


def test_of_two_keys_with_one_date_exactly_one_is_active():
    pair = [key("a", activates=0), key("b", activates=0)]

    states = [state_of(each, among=pair, now=NOON) for each in pair]

    assert [State.RETIRING, State.ACTIVE] == states


def test_published_are_the_active_key_first_then_the_newest():
    older = key("older", activates=-90, expires=1)

    assert [OLD, NEW, older] == published_keys([older, NEW, OLD], now=NOON)


def test_without_keys_there_is_nothing_to_sign_with():
    assert active_key([], now=NOON) is None
    assert upcoming_key([], now=NOON) is None
    assert [] == published_keys([], now=NOON)


def test_the_next_key_is_the_one_that_comes_first():
    later = key("later", activates=9)

    assert NEW is upcoming_key([later, NEW, OLD], now=NOON)
