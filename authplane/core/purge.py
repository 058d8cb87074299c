"""Kernel rows that are past their time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.models import Session

from authplane.core import clock
from authplane.core.models import (
    KeptAnswer,
    LoginFailure,
    OneTimeValue,
    OperatorSession,
    RateBucket,
    RequestWindow,
)

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

BATCH = 5000


def purge_kernel_rows() -> dict[str, int]:
    """Expired one-time values, full buckets, past windows and failures and ended sessions are gone.

    Deleted in batches, so that no transaction holds many locks for long.
    """
    return {name: delete_in_batches(rows) for name, rows in expired_rows().items()}


def expired_rows() -> dict[str, QuerySet[Any]]:
    """What is past its time now, by the kind of row."""
    now, seconds = clock.now(), time.time()
    return {
        "one_time_values": OneTimeValue.objects.filter(expires_at__lte=now),
        "rate_buckets": RateBucket.objects.filter(full_at__lte=seconds),
        "request_windows": RequestWindow.objects.filter(ends_at__lte=seconds),
        "kept_answers": KeptAnswer.objects.filter(expires_at__lte=now),
        "login_failures": LoginFailure.objects.filter(
            window_ends__lte=seconds, locked_until__lte=seconds
        ),
        "sessions": Session.objects.filter(expire_date__lte=now),
        "operator_sessions": OperatorSession.objects.filter(expire_date__lte=now),
    }


def delete_in_batches(rows: QuerySet[Model]) -> int:
    """Every row of the query is gone; the answer says how many there were."""
    total = 0
    while True:
        keys = list(rows.order_by().values_list("pk", flat=True)[:BATCH])
        if not keys:
            return total
        # The condition is asked again: a row that was renewed meanwhile stays.
        deleted, _ = rows.filter(pk__in=keys).order_by().delete()
        total += deleted
        if len(keys) < BATCH:
            return total
