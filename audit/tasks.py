"""The jobs of the record as Celery tasks. Beat may send each of them twice: one process does it."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from audit import jobs

SCHEDULE = {job.name: min(job.every, jobs.HOUR) for job in jobs.JOBS.values()}
"""A rare job is asked for every hour and runs when it is due: a worker that is restarted each day
would otherwise never come to it.
"""


@shared_task(name=jobs.SEAL.name)
def seal() -> dict[str, Any]:
    """What was recorded stands in a batch."""
    return _run(jobs.SEAL)


@shared_task(name=jobs.SWEEP.name)
def sweep() -> dict[str, Any]:
    """So do rows that became visible late."""
    return _run(jobs.SWEEP)


@shared_task(name=jobs.ANCHOR.name)
def anchor() -> dict[str, Any]:
    """Every anchor has the newest checkpoint."""
    return _run(jobs.ANCHOR)


@shared_task(name=jobs.PASS_ON.name)
def pass_on() -> dict[str, Any]:
    """Every stream has what is sealed."""
    return _run(jobs.PASS_ON)


@shared_task(name=jobs.RETAIN.name)
def retain() -> dict[str, Any]:
    """Rows past their time are gone."""
    return _run(jobs.RETAIN)


@shared_task(name=jobs.VERIFY.name)
def verify() -> dict[str, Any]:
    """The whole record was verified."""
    return _run(jobs.VERIFY)


def _run(job: jobs.Job) -> dict[str, Any]:
    return job.run(every=job.every).result
