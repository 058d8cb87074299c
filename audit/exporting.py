"""Copies of the record: rows for people and programs, or the whole chain for a verifier."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.db.models import QuerySet

from audit.models import AuditEvent
from audit.sealing.canonical import encode, shown_row
from audit.sealing.keys import public_keys
from audit.sealing.lines import lines_of
from audit.sealing.seal import unsealed
from audit.sealing.stored import batches
from audit.view import shown_event

CHUNK: Final = 1000
COLUMNS: Final = (
    "id", "created_at", "action", "actor_id", "client_id", "ip", "detail", "request_id", "trace_id",
)  # fmt: skip
MEDIA_TYPES: Final = {
    "jsonl": "application/jsonl",
    "csv": "text/csv",
    "sealed": "application/jsonl",
}
"""The formats: rows as JSON or as a table, and the chain with everything that proves it."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def exported(format_name: str, rows: QuerySet[AuditEvent]) -> Iterator[str]:
    """The text of the export, piece by piece, the oldest row first.

    `sealed` is always the whole record. Raises: KeyError for another format.
    """
    if format_name == "sealed":
        return lines_of(batches(), keys=public_keys(), waiting=_waiting())
    return {"jsonl": _json_lines, "csv": _table}[format_name](in_order(rows))


def in_order(rows: QuerySet[AuditEvent]) -> Iterator[AuditEvent]:
    """The rows, the oldest first, a chunk at a time by key: no cursor stays open."""
    ordered = rows.order_by("pk")
    found = list(ordered[:CHUNK])
    while found:
        yield from found
        found = list(ordered.filter(pk__gt=found[-1].pk)[:CHUNK]) if len(found) == CHUNK else []


def _json_lines(rows: Iterable[AuditEvent]) -> Iterator[str]:
    for row in rows:
        yield encode(shown_event(row)) + "\n"


def _table(rows: Iterable[AuditEvent]) -> Iterator[str]:
    """Spec: RFC 4180."""
    yield ",".join(COLUMNS) + "\r\n"
    for row in rows:
        shown = shown_event(row)
        line = io.StringIO()
        csv.writer(line).writerow([_harmless(shown[name]) for name in COLUMNS])
        yield line.getvalue()


def _harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: clients choose some of them."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _waiting() -> Iterator[dict[str, Any]]:
    """Rows in no batch yet. Their salts go along: they are the record, not a view of it."""
    rows = unsealed(AuditEvent.objects.all())
    for row in rows.order_by("pk").values():
        yield shown_row(row)
