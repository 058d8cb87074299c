"""What is shown of the record: used by the operator API, the commands and the streams."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from audit.events import CATALOGUE
from audit.models import AuditEvent, AuditSeal
from authplane.core.clock import as_text


def shown_event(row: AuditEvent) -> dict[str, Any]:
    """One row. `detail` is text, as callers of AuthPlane know it, and `data` the same as JSON.

    The address is empty for commands, scheduled work and whoever was forgotten. Its salt is never
    shown: with it, the digest that stays after an erasure would give the address away.
    """
    return {
        "id": str(row.pk),
        "action": row.action,
        "actor_id": row.actor_id,
        "client_id": row.client_id,
        "ip": address_of(row),
        "detail": detail_text(row.action, row.detail),
        "data": row.detail,
        "request_id": row.request_id,
        "trace_id": row.trace_id,
        "created_at": as_text(row.created_at),
    }


def shown_seal(row: AuditSeal, *, removed: Iterable[int] = ()) -> dict[str, Any]:
    """One batch: what was signed about it, and the signature."""
    return {
        "number": row.number,
        "sealed_at": as_text(row.sealed_at),
        "first_at": as_text(row.first_at),
        "last_at": as_text(row.last_at),
        "count": row.count,
        "late": row.late,
        "actions": row.actions,
        "root": row.root,
        "previous": row.previous,
        "digest": row.digest,
        "checkpoint": row.checkpoint,
        "rows_removed": row.number in set(removed),
    }


def address_of(row: AuditEvent) -> str:
    """Where the request came from; empty where that is not known or was erased."""
    return str(json.loads(row.personal)["ip"]) if row.personal else ""


def detail_text(action: str, detail: dict[str, Any]) -> str:
    """`name=value` pairs in the order of the catalogue, which not every database keeps.

    A value with a space, a quote or an equals sign is JSON text.
    """
    kind = CATALOGUE.get(action)
    declared = (*kind.required, *kind.optional) if kind else ()
    names = [*(name for name in declared if name in detail), *sorted(set(detail) - set(declared))]
    return " ".join(f"{name}={_plain(detail[name])}" for name in names)


def _plain(value: Any) -> str:
    if isinstance(value, str) and value and not set(value) & set(' "=\n\t'):
        return value
    return json.dumps(value)
