"""Write down what happened: with the change itself, or in spite of the refusal."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import DatabaseError, connection, transaction

from audit import context, sinks
from audit.models import AuditEvent
from authplane.core import clock, lifecycle
from authplane.core.hashing import new_secret, sha256_hex
from authplane.core.http import encode_json
from authplane.core.ids import uuid7
from authplane.core.metrics import counter

if TYPE_CHECKING:
    from audit.registry import Event

SALT_BYTES: Final = 16
MAX_ACTOR: Final = 255
MAX_CLIENT: Final = 512
MAX_WAITING: Final = 32
"""Refusals that one request may leave behind; whoever causes more attacks the record."""

_INSERT: Final = (
    "INSERT INTO audit_auditevent (id, created_at, action, actor_id, client_id, detail, "
    "request_id, trace_id, personal, personal_digest) "
    "VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s)"
)

_later = threading.local()


class PreparedEvent(NamedTuple):
    """The columns of one row of the record. `detail` and `personal` are JSON texts."""

    id: uuid.UUID
    created_at: datetime
    action: str
    actor_id: str
    client_id: str
    detail: str
    request_id: str
    trace_id: str
    personal: str
    personal_digest: str


def prepare(event: Event) -> PreparedEvent:
    """The row of ``event``, for whoever inserts it in a statement of their own.

    They call `sinks.announce` once the statement has succeeded.
    """
    personal = _personal(context.address())
    return PreparedEvent(
        uuid7(),
        clock.now(),
        event.action,
        event.actor_id[:MAX_ACTOR],
        event.client_id[:MAX_CLIENT],
        event.detail(),
        context.request_id(),
        context.trace_id(),
        personal,
        sha256_hex(personal) if personal else "",
    )


def record(event: Event) -> None:
    """The event stands in the record if, and only if, the caller's transaction is committed."""
    row = prepare(event)
    _insert(row)
    announce(row)


def announce(row: PreparedEvent) -> None:
    """The event is in the log as soon as it is certain that it stands in the record."""
    if connection.in_atomic_block:
        transaction.on_commit(lambda: sinks.announce(row), robust=True)
    else:
        sinks.announce(row)


def record_refusal(event: Event) -> None:
    """The event stands in the record even when the caller's transaction is rolled back.

    Without a transaction it is written at once. Inside of one it waits until the request ends: a
    second connection would take a connection more per worker, and on SQLite wait for the very
    transaction that waits for it. A record that cannot be written is counted and logged; it does
    not turn a refusal into a failure.
    """
    row = prepare(event)
    if connection.in_atomic_block:
        waiting = _waiting()
        if len(waiting) < MAX_WAITING:
            waiting.append(row)
        else:
            _drop(row)
        return
    write_waiting()
    _write_refusal(row)


def write_waiting() -> None:
    """Refusals of this thread that waited for the end of a transaction are written."""
    waiting = _waiting()
    while waiting:
        _write_refusal(waiting.pop(0))


def connect() -> None:
    """What waits is written when its request ends, and at the latest before the next one begins."""
    lifecycle.at_end(write_waiting)


def _personal(address: str) -> str:
    """The address beside a salt, without which its digest could be reversed by trying addresses."""
    if not address:
        return ""
    return encode_json({"ip": address, "salt": new_secret(SALT_BYTES)})


def _insert(row: PreparedEvent) -> None:
    if connection.vendor == "postgresql":
        # On every introspection: a prepared text costs a third of what the model does.
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, row)
        return
    columns = row._asdict()
    columns["detail"] = json.loads(row.detail)
    # Not bulk_create: it would open a transaction of its own around the one statement.
    AuditEvent(**columns).save(force_insert=True)


def _write_refusal(row: PreparedEvent) -> None:
    try:
        _insert(row)
    except DatabaseError as error:
        _drop(row, cause=error)
    else:
        sinks.announce(row)


def _drop(row: PreparedEvent, *, cause: Exception | None = None) -> None:
    counter("authserver_audit_events_dropped_total").labels(action=row.action).inc()
    sinks.lament(row, cause=cause)


def _waiting() -> list[PreparedEvent]:
    if not hasattr(_later, "rows"):
        _later.rows = []
    rows: list[PreparedEvent] = _later.rows
    return rows
