"""Scheduled work of the kernel."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from authplane.core.purge import purge_kernel_rows
from authplane.core.schedule import run_once

PURGE = "core.purge_kernel_rows"
SCHEDULE = {PURGE: 600}


@shared_task(name=PURGE)
def purge() -> dict[str, Any]:
    """Rows of the kernel that are past their time are gone."""
    return run_once(PURGE, purge_kernel_rows, every=SCHEDULE[PURGE]).result
