"""Scheduled work in the console."""

from __future__ import annotations

from django.contrib import admin

from authplane.core.models import ScheduledRun
from authplane.core.readonly import ReadOnlyAdmin


@admin.register(ScheduledRun)
class ScheduledRunAdmin(ReadOnlyAdmin):
    """When each job ran last, and how that went."""

    list_display = ("name", "started_at", "finished_at", "duration_ms", "runs", "error")
    ordering = ("name",)
    shown = ("name", "started_at", "finished_at", "duration_ms", "runs", "result", "error")
