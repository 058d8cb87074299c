"""Scheduled work of the broker as Celery tasks. Beat may send each twice: one process does it."""

from __future__ import annotations

from typing import Any, Final

from celery import shared_task

from authplane.core import clock
from authplane.core.schedule import run_once
from broker.connect.cleanup import purge_states
from broker.refresh.ahead import refresh_ahead, sweep_leases

REFRESH: Final = "broker.refresh_ahead"
SWEEP: Final = "broker.sweep_leases"
PURGE_STATES: Final = "broker.purge_connect_states"
SCHEDULE: Final = {REFRESH: 60, SWEEP: 60, PURGE_STATES: 900}


@shared_task(name=REFRESH)
def refresh() -> dict[str, Any]:
    """Kept upstream tokens that end soon are renewed."""
    return run_once(REFRESH, refresh_ahead, every=SCHEDULE[REFRESH]).result


@shared_task(name=SWEEP)
def sweep() -> dict[str, Any]:
    """Refreshes of unknown outcome are decided."""
    return run_once(SWEEP, sweep_leases, every=SCHEDULE[SWEEP]).result


@shared_task(name=PURGE_STATES)
def purge_connect_states() -> dict[str, Any]:
    """Hops to upstream services that nobody came back from are over; what is long past is gone."""
    return run_once(
        PURGE_STATES, lambda: {"deleted": purge_states(clock.now())}, every=SCHEDULE[PURGE_STATES]
    ).result
