"""Scheduled work: a worker and its beat are alive when jobs ran in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max

import audit.tasks
import authplane.core.tasks
import broker.tasks
import oauth.tasks
from admin_api.doctor.findings import Finding, fine, suspicious, unknown, wrong
from admin_api.doctor.scene import Scene
from authplane.core import clock
from authplane.core.models import ScheduledRun

SLACK: Final = timedelta(minutes=2)
PERIODS: Final = 3
"""How many runs in a row may be missed before a job counts as late."""

START: Final = (
    "Start a worker with its beat: manage.py serve runs one; in a deployment of parts it is "
    "celery -A authplane worker -B"
)


def planned() -> dict[str, int]:
    """Job to seconds between two runs."""
    modules = (audit.tasks, oauth.tasks, broker.tasks, authplane.core.tasks)
    return {name: every for module in modules for name, every in module.SCHEDULE.items()}


def schedule(_: Scene) -> Iterator[Finding]:
    """Every job ran when it was due, and well. After a migration it takes time until one is."""
    try:
        runs = {run.name: run for run in ScheduledRun.objects.all()}
    except DatabaseError as error:
        yield unknown(f"the database does not answer: {type(error).__name__}")
        return
    jobs, since = planned(), _set_up_at()
    late = [name for name, every in jobs.items() if _is_late(runs.get(name), every, since)]
    if late and len(late) == len(jobs):
        latest = max((run.started_at for run in runs.values() if run.started_at), default=None)
        told = f"since {latest:%Y-%m-%d %H:%M} UTC" if latest else "ever"
        yield wrong(f"no scheduled work was done {told}", f"{START}.")
    elif late:
        yield wrong(
            f"overdue: {', '.join(sorted(late))}",
            "A worker runs, and not these jobs: see its log. One job now: manage.py run_job NAME",
        )
    else:
        ran = [name for name in jobs if name in runs and runs[name].started_at]
        yield fine(f"{len(ran)} scheduled jobs ran in time, {len(jobs) - len(ran)} are not due yet")
    for name in sorted(set(jobs) & set(runs)):
        if runs[name].error:
            yield suspicious(
                f"{name} failed when it last ran: {runs[name].error}",
                f"See the worker's log, then: manage.py run_job {name}",
            )


def _set_up_at() -> datetime:
    """When the tables were last migrated: a job that never ran was not due before."""
    applied = MigrationRecorder(connection).migration_qs.aggregate(at=Max("applied"))["at"]
    return applied or datetime.min.replace(tzinfo=UTC)


def _is_late(run: ScheduledRun | None, every: int, since: datetime) -> bool:
    begun = run.started_at if run is not None and run.started_at else since
    return begun < clock.now() - timedelta(seconds=every * PERIODS) - SLACK
