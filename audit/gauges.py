"""Figures about the record, read when metrics are collected."""

from __future__ import annotations

import math
from collections.abc import Callable

from django.db import DatabaseError

from audit.models import AuditEvent
from audit.sealing.seal import last_seal
from authplane.core import clock
from authplane.core.metrics import provide_gauge
from authplane.core.models import ScheduledRun

VERIFY = "audit.verify"


def connect() -> None:
    """The gauges of this app have their source."""
    provide_gauge("authplane_audit_sealing_lag_seconds", _or_unknown(sealing_lag))
    provide_gauge("authplane_audit_last_verified_timestamp_seconds", _or_unknown(last_verified))
    provide_gauge("authplane_audit_verify_findings", _or_unknown(last_findings))


def sealing_lag() -> float:
    """Seconds since the oldest row in front of the chain was written; 0 when all are sealed."""
    newest = last_seal()
    rows = AuditEvent.objects.order_by("pk")
    if newest:
        rows = rows.filter(pk__gt=newest.upto)
    oldest = rows.values_list("created_at", flat=True).first()
    return max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0


def last_verified() -> float:
    """When a verification last ended, in seconds since 1970; 0 when none ever did."""
    run = ScheduledRun.objects.filter(name=VERIFY, error="").first()
    return run.finished_at.timestamp() if run and run.finished_at else 0.0


def last_findings() -> float:
    """What it found."""
    run = ScheduledRun.objects.filter(name=VERIFY).first()
    return float((run.result or {}).get("found", 0)) if run else 0.0


def _or_unknown(read: Callable[[], float]) -> Callable[[], float]:
    """No number while the database is away: the other metrics are needed most just then."""

    def safe() -> float:
        try:
            return read()
        except DatabaseError:
            return math.nan

    return safe
