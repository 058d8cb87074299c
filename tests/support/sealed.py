"""A sealed record for tests, whatever time their clock shows."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from audit.models import AuditEvent
from audit.sealing.seal import seal_waiting
from authplane.core import clock
from authplane.core.hashing import sha256_hex
from authplane.core.ids import first_uuid7_at


def make_event(*, at: datetime | None = None, nth: int = 0, **columns: Any) -> AuditEvent:
    """A row written at this moment; ``nth`` tells rows of one moment apart."""
    moment = at or clock.now()
    personal = columns.pop("personal", json.dumps({"ip": "203.0.113.7", "salt": f"s{nth}"}))
    return AuditEvent.objects.create(
        id=uuid.UUID(int=first_uuid7_at(moment).int | (nth + 1) << 4),
        created_at=moment,
        personal=personal,
        personal_digest=sha256_hex(personal) if personal else "",
        **{
            "action": "user.login", "actor_id": "user-1", "client_id": "client-1",
            "detail": {"name": f"n{nth}", "flag": True, "count": nth}, "request_id": f"r{nth}",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", **columns,
        },
    )  # fmt: skip


def make_chain(*sizes: int) -> list[list[AuditEvent]]:
    """Batches of so many rows, sealed one after the other."""
    made, nth = [], 0
    for size in sizes:
        rows = [make_event(nth=nth + at) for at in range(size)]
        nth += size
        assert size == seal_waiting(safety=-60)["rows"]
        made.append(rows)
    return made
