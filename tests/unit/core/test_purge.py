"""Kernel rows past their time."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from authplane.core import clock, purge, runtime
from authplane.core.models import (
    KeptAnswer,
    LoginFailure,
    OneTimeValue,
    OperatorSession,
    RateBucket,
    RequestWindow,
)
from authplane.core.purge import purge_kernel_rows

pytestmark = pytest.mark.django_db


def rows(*, at):
    seconds = at.timestamp()
    OneTimeValue.objects.create(digest=f"d{seconds}", namespace="x", expires_at=at)
    RateBucket.objects.create(key=f"k{seconds}", full_at=seconds)
    RequestWindow.objects.create(key=f"k{seconds}", requests=1, ends_at=seconds)
    KeptAnswer.objects.create(digest=f"d{seconds}", fingerprint="f", expires_at=at)
    LoginFailure.objects.create(key=f"k{seconds}", failures=1, window_ends=seconds)
    Session.objects.create(session_key=f"s{seconds}", session_data="", expire_date=at)
    OperatorSession.objects.create(session_key=f"s{seconds}", session_data="", expire_date=at)


def test_only_what_is_past_its_time_goes(frozen_clock):
    rows(at=clock.now() - timedelta(seconds=1))
    rows(at=clock.now() + timedelta(seconds=60))

    counts = purge_kernel_rows()

    assert set(counts.values()) == {1}
    assert len(counts) == 7
    assert set(purge_kernel_rows().values()) == {0}
    assert Session.objects.count() == OperatorSession.objects.count() == 1


def test_a_lock_outlives_its_window(frozen_clock):
    LoginFailure.objects.create(
        key="k", failures=9, window_ends=time.time() - 1, locked_until=time.time() + 60
    )

    assert purge_kernel_rows()["login_failures"] == 0


def test_many_rows_go_in_batches(frozen_clock, monkeypatch):
    monkeypatch.setattr(purge, "BATCH", 10)
    past = clock.now() - timedelta(days=1)
    OneTimeValue.objects.bulk_create(
        OneTimeValue(digest=str(number), namespace="x", expires_at=past) for number in range(35)
    )

    assert purge_kernel_rows()["one_time_values"] == 35
    assert not OneTimeValue.objects.exists()


def test_a_runtime_setting_wins_until_it_is_taken_back(django_capture_on_commit_callbacks):
    assert runtime.read("dcr.mode", "open") == "open"
    with django_capture_on_commit_callbacks(execute=True):
        runtime.write("dcr.mode", "admin_only", by="admin")
    assert runtime.read("dcr.mode", "open") == "admin_only"
    with django_capture_on_commit_callbacks(execute=True):
        runtime.write("dcr.mode", None, by="admin")
    assert runtime.read("dcr.mode", "open") == "open"
