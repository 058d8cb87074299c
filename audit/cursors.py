"""How far an anchor or a stream has come. What fails stays where it was and is tried again."""

from __future__ import annotations

import logging
from typing import Final

from audit.models import AuditCursor
from authplane.core import clock

MAX_ERROR: Final = 255

log = logging.getLogger(__name__)


def cursor(name: str) -> AuditCursor:
    """The place of one; at the very beginning when it is new."""
    row, _ = AuditCursor.objects.get_or_create(name=name)
    return row


def advance(row: AuditCursor, *, seal: int, rows: int = 0) -> None:
    """Everything up to this place was taken."""
    row.seal, row.rows, row.failures, row.error = seal, rows, 0, ""
    row.updated_at = clock.now()
    row.save()


def fail(row: AuditCursor, reason: str) -> None:
    """It was not taken this time. The place stays."""
    row.failures += 1
    row.error = reason[:MAX_ERROR]
    row.updated_at = clock.now()
    row.save()
    log.warning("audit copy failed", extra={"copy": row.name, "reason": row.error})
