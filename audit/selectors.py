"""Reading the record, the latest first."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from audit.models import AuditEvent
from authplane.core.ids import first_uuid7_at

if TYPE_CHECKING:
    from django.db.models import QuerySet


def find_events(
    *,
    action: str = "",
    actor_id: str = "",
    client_id: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEvent]:
    """Events that match everything that is given.

    Ids are UUIDv7, so that their order is that of time and every filter has an index.
    """
    equal = {"action": action, "actor_id": actor_id, "client_id": client_id}
    events = AuditEvent.objects.filter(**{name: value for name, value in equal.items() if value})
    if since:
        events = events.filter(pk__gte=first_uuid7_at(since))
    if until:
        events = events.filter(pk__lt=first_uuid7_at(until))
    return events.order_by("-pk")
