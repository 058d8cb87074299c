"""Scheduled jobs run once at a time and leave a record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authplane.core import clock
from authplane.core.models import ScheduledRun
from authplane.core.schedule import run_once

pytestmark = pytest.mark.django_db


def test_a_run_is_recorded(frozen_clock):
    run = run_once("purge", lambda: {"rows": 3}, every=60)

    row = ScheduledRun.objects.get(name="purge")
    assert (run.ran, run.result) == (True, {"rows": 3})
    assert (row.result, row.error, row.runs, row.claimed_until) == ({"rows": 3}, "", 1, None)
    assert row.started_at == row.finished_at == clock.now()


def test_a_job_that_is_not_due_does_not_run(frozen_clock):
    run_once("purge", dict, every=600)
    frozen_clock.shift(500)

    assert not run_once("purge", lambda: pytest.fail("ran"), every=600).ran
    frozen_clock.shift(100)
    assert run_once("purge", dict, every=600).ran


def test_a_command_runs_it_whenever_it_is_asked(frozen_clock):
    assert run_once("purge", dict).ran
    assert run_once("purge", dict).ran


def test_while_one_process_runs_it_no_other_does():
    inner = []

    def job():
        inner.append(run_once("purge", lambda: pytest.fail("ran twice")).ran)

    assert run_once("purge", job).ran
    assert inner == [False]


def test_a_failure_is_recorded_raised_and_does_not_block_the_next_run(frozen_clock):
    def job():
        raise LookupError("client_secret=s3cr3t")

    with pytest.raises(LookupError):
        run_once("purge", job)

    row = ScheduledRun.objects.get()
    assert (row.error, row.claimed_until) == ("LookupError", None)
    assert run_once("purge", dict).ran
    assert ScheduledRun.objects.get().error == ""


def test_a_run_whose_process_died_is_taken_over_after_its_lease(frozen_clock):
    ScheduledRun.objects.create(
        name="purge", claim="dead", claimed_until=clock.now() + timedelta(seconds=30)
    )
    assert not run_once("purge", dict).ran

    frozen_clock.shift(31)

    assert run_once("purge", dict).ran


def test_a_run_that_lost_its_lease_does_not_overwrite_its_successor(frozen_clock):
    def job():
        ScheduledRun.objects.update(claim="successor", result={"of": "successor"})
        return {"of": "loser"}

    run_once("purge", job)

    row = ScheduledRun.objects.get()
    assert (row.claim, row.result) == ("successor", {"of": "successor"})


def test_jobs_do_not_stand_in_each_others_way():
    seen = []

    assert run_once("a", lambda: seen.append(run_once("b", dict).ran)).ran
    assert seen == [True]
