"""Lockout after failures."""

from __future__ import annotations

import pytest

from authplane.core.lockout import Window
from authplane.core.models import LoginFailure

pytestmark = pytest.mark.django_db

WINDOW = Window(scope="login", limit=3, window=600, lockout=900)


def fail(times, window=WINDOW, key="user 1.2.3.4"):
    return [window.count_failure(key) for _ in range(times)]


def test_the_last_allowed_failure_locks(frozen_clock):
    answers = fail(3)

    assert answers[:2] == [0, 0]
    assert answers[2] > 0
    assert WINDOW.locked_until("user 1.2.3.4") == answers[2]


def test_a_lock_ends_by_itself_and_does_not_grow(frozen_clock):
    until = fail(3)[-1]
    frozen_clock.shift(600)
    assert fail(5)[-1] == until

    frozen_clock.shift(301)

    assert WINDOW.locked_until("user 1.2.3.4") == 0
    assert fail(2) == [0, 0]


def test_failures_of_an_earlier_window_do_not_count(frozen_clock):
    fail(2)
    frozen_clock.shift(601)

    assert fail(2) == [0, 0]
    assert fail(1)[0] > 0


def test_other_identities_are_not_locked(frozen_clock):
    fail(3)

    assert WINDOW.locked_until("user 5.6.7.8") == 0
    assert Window("agent", 3, 600, 900).locked_until("user 1.2.3.4") == 0


def test_success_clears_failures(frozen_clock):
    fail(2)
    WINDOW.clear("user 1.2.3.4")

    assert fail(2) == [0, 0]


def test_a_limit_of_one_locks_at_once_also_in_a_later_window(frozen_clock):
    strict = Window("strict", 1, 600, 60)

    assert fail(1, strict)[0] > 0
    frozen_clock.shift(700)
    assert strict.locked_until("user 1.2.3.4") == 0
    assert fail(1, strict)[0] > 0


def test_a_limit_of_zero_is_off():
    off = Window("off", 0, 600, 900)

    assert fail(50, off) == [0] * 50
    assert off.locked_until("user 1.2.3.4") == 0
    assert not LoginFailure.objects.exists()


def test_the_table_does_not_say_who_failed():
    fail(1, key="someone@example.com 1.2.3.4")

    row = LoginFailure.objects.get()
    assert "someone" not in row.key
    assert "1.2.3.4" not in row.key


def test_one_statement_counts(query_budget):
    with query_budget(1):
        fail(1)
