"""Copies of the record in the log, for whoever collects logs rather than rows."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.record import PreparedEvent

log = logging.getLogger("authplane.audit")


def announce(row: PreparedEvent) -> None:
    """The event is in the log as `audit`, once it is certain that it stands in the record."""
    if log.isEnabledFor(logging.INFO):
        log.info("audit", extra=_fields(row))


def lament(row: PreparedEvent, *, cause: Exception | None) -> None:
    """The event is in the log alone, because it could not be written."""
    log.error("audit event dropped", extra=_fields(row), exc_info=cause)


def _fields(row: PreparedEvent) -> dict[str, Any]:
    return {
        "action": row.action,
        "actor_id": row.actor_id,
        "client_id": row.client_id,
        "ip": json.loads(row.personal)["ip"] if row.personal else "",
        "detail": row.detail,
    }
