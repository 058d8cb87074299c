"""Scheduled jobs: one process at a time, and a row that says how the last run went."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q

from authplane.core import clock
from authplane.core.ids import uuid7
from authplane.core.models import ScheduledRun

if TYPE_CHECKING:
    from collections.abc import Callable

LEASE = 900
"""Seconds after which a run whose process died may be taken over."""

SLACK = 0.1
"""How much earlier than due a run may start, because clocks and beats are not exact."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """Whether this call ran the job, and what came out."""

    ran: bool
    result: dict[str, Any]
    duration_ms: int


def run_once(
    name: str, job: Callable[[], dict[str, Any] | None], *, every: int = 0, lease: int = LEASE
) -> Run:
    """Run ``job`` unless a process runs it now or one started it less than ``every`` seconds ago.

    With ``every`` 0, as commands call it, only a run at the same time stands in the way. What the
    job returns is kept as its result. An exception is recorded and raised again.
    """
    claim = str(uuid7())
    if not _claim(name, claim, every=every, lease=lease):
        return Run(ran=False, result={}, duration_ms=0)
    started = time.perf_counter()
    try:
        result = job() or {}
    except Exception as error:
        _release(name, claim, started=started, result={}, error=type(error).__name__)
        log.error("scheduled job failed", extra={"job": name}, exc_info=error)  # noqa: TRY400
        raise
    duration = _release(name, claim, started=started, result=result, error="")
    log.info("scheduled job done", extra={"job": name, "duration_ms": duration})
    return Run(ran=True, result=result, duration_ms=duration)


def _claim(name: str, claim: str, *, every: int, lease: int) -> bool:
    """One conditional update decides among processes that ask at the same instant."""
    now = clock.now()
    ScheduledRun.objects.bulk_create([ScheduledRun(name=name)], ignore_conflicts=True)
    due = Q(started_at=None) | Q(started_at__lte=now - timedelta(seconds=every * (1 - SLACK)))
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    rows = ScheduledRun.objects.filter(due, free, name=name)
    return bool(
        rows.update(claim=claim, claimed_until=now + timedelta(seconds=lease), started_at=now)
    )


def _release(name: str, claim: str, *, started: float, result: dict[str, Any], error: str) -> int:
    """The run is recorded, unless another process took it over meanwhile."""
    duration = int((time.perf_counter() - started) * 1000)
    ScheduledRun.objects.filter(name=name, claim=claim).update(
        claimed_until=None,
        finished_at=clock.now(),
        duration_ms=duration,
        result=result,
        error=error,
        runs=F("runs") + 1,
    )
    return duration
