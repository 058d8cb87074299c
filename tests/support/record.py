"""What the audit record holds."""

from __future__ import annotations

from typing import Any


def recorded(action: str) -> list[dict[str, Any]]:
    """The details of every event of this action, oldest first."""
    from audit.models import AuditEvent

    rows = AuditEvent.objects.filter(action=action).order_by("id")
    return list(rows.values_list("detail", flat=True))


def reasons(action: str) -> list[str]:
    """Why, privately: the `reason` of every event of this action, oldest first."""
    return [detail["reason"] for detail in recorded(action)]
