"""Scheduled work of the broker, by hand."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from authplane.celery import schedule
from authplane.core.schedule import run_once
from broker.jobs import JOBS

NAMES = [job.name for job in JOBS]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", NAMES)
def test_a_job_runs_now_and_not_beside_itself(name):
    out = io.StringIO()
    call_command("run_job", name, "--json", stdout=out)
    assert json.loads(out.getvalue())["job"] == name

    def meanwhile():
        with pytest.raises(CommandError, match="another process"):
            call_command("run_job", name)
        return {}

    assert run_once(name, meanwhile).ran


@pytest.mark.spec("Plugged.in", "P18", "MUST", "renewal runs by itself")
def test_beat_knows_them():
    assert {job.name: job.every for job in JOBS}.items() <= schedule().items()
