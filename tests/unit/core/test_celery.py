"""Scheduled work: planned by the apps, carried by Redis or by files."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from authplane import celery
from authplane.core import tasks
from authplane.core.models import ScheduledRun

ROOT = Path(__file__).resolve().parents[3]


def test_every_planned_job_is_a_task_and_is_due_as_its_app_says():
    celery.app.finalize()
    planned = celery.schedule()

    assert planned[tasks.PURGE] == 600
    assert set(planned) <= set(celery.app.tasks)
    for name, every in planned.items():
        entry = celery.app.conf.beat_schedule[name]
        assert entry["schedule"] == every
        assert entry["options"]["expires"] == every


@pytest.mark.django_db
def test_a_job_leaves_a_record_and_does_not_run_again_at_once():
    kinds = (
        "one_time_values rate_buckets request_windows kept_answers login_failures sessions"
        " operator_sessions"
    )
    assert tasks.purge() == dict.fromkeys(kinds.split(), 0)
    assert tasks.purge() == {}
    assert ScheduledRun.objects.get(name=tasks.PURGE).runs == 1


def test_messages_are_json_and_nothing_else():
    assert settings.CELERY_ACCEPT_CONTENT == ["json"]
    assert settings.CELERY_TASK_SERIALIZER == "json"


SEND = """
import django; django.setup()
import authplane.celery
from authplane.core.tasks import purge
purge.delay()
"""


def jobs_done(database):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        return opened.execute("SELECT coalesce(sum(runs), 0) FROM core_scheduledrun").fetchone()[0]


@pytest.mark.server
@pytest.mark.slow
def test_without_redis_a_worker_takes_jobs_from_files(tmp_path, empty_database):
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AUTHPLANE_") and name not in {"DATABASE_URL", "REDIS_URL"}
    } | {
        "DJANGO_SETTINGS_MODULE": "authplane.settings.dev",
        "AUTHPLANE_DATA_DIR": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }

    def run(*command):
        return subprocess.run(
            [sys.executable, "-W", "ignore", *command],
            env=environment, cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    shutil.copy(empty_database, tmp_path / "authserver.db")
    run("-c", SEND)
    assert len(list((tmp_path / "broker" / "queue").iterdir())) == 1
    assert (tmp_path / "broker").stat().st_mode & 0o077 == 0
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "authplane.celery", "worker", "--pool", "solo"],
        env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not jobs_done(tmp_path / "authserver.db"):
            time.sleep(0.2)
        assert jobs_done(tmp_path / "authserver.db") == 1
    finally:
        worker.terminate()
        worker.wait(10)
