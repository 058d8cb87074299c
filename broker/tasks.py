"""Scheduled work of the broker as Celery tasks. Beat may send each twice: one process does it."""

from __future__ import annotations

from typing import Any, Final

from celery import shared_task

from broker import jobs

SCHEDULE: Final = {job.name: job.every for job in jobs.JOBS}


@shared_task(name=jobs.REFRESH.name)
def refresh() -> dict[str, Any]:
    """Kept upstream tokens that end soon are renewed."""
    return jobs.REFRESH.run(every=jobs.REFRESH.every).result


@shared_task(name=jobs.SWEEP.name)
def sweep() -> dict[str, Any]:
    """Refreshes of unknown outcome are decided."""
    return jobs.SWEEP.run(every=jobs.SWEEP.every).result


@shared_task(name=jobs.PURGE_STATES.name)
def purge_connect_states() -> dict[str, Any]:
    """Hops to upstream services that nobody came back from are over; what is long past is gone."""
    return jobs.PURGE_STATES.run(every=jobs.PURGE_STATES.every).result
