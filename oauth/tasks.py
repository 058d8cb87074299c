"""Scheduled work as Celery tasks. Beat may send each of them twice: one process does it."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from oauth.maintenance import jobs

SCHEDULE = {job.name: job.every for job in jobs.JOBS.values()}


@shared_task(name=jobs.PURGE_STATE.name)
def purge_state() -> dict[str, Any]:
    """Lapsed requests, codes, refresh tokens and families are gone."""
    return _run(jobs.PURGE_STATE)


@shared_task(name=jobs.PURGE_LEDGER.name)
def purge_ledger() -> dict[str, Any]:
    """Rows of tokens that ended long ago are gone."""
    return _run(jobs.PURGE_LEDGER)


@shared_task(name=jobs.ROTATE_KEYS.name)
def rotate_keys() -> dict[str, Any]:
    """The next signing key is published when it is due."""
    return _run(jobs.ROTATE_KEYS)


@shared_task(name=jobs.REFETCH_DOCUMENTS.name)
def refetch_client_documents() -> dict[str, Any]:
    """Documents of clients that have grown old are fetched."""
    return _run(jobs.REFETCH_DOCUMENTS)


@shared_task(name=jobs.LAPSE_CLIENTS.name)
def lapse_clients() -> dict[str, Any]:
    """Clients that registered themselves and were never used are gone."""
    return _run(jobs.LAPSE_CLIENTS)


@shared_task(name=jobs.REWRAP_SEALED.name)
def rewrap_sealed() -> dict[str, Any]:
    """Stored credentials need no old data key any more."""
    return _run(jobs.REWRAP_SEALED)


def _run(job: jobs.Job) -> dict[str, Any]:
    return job.run(every=job.every).result
