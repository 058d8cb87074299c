"""Passing sealed rows on, in the order of the chain, each at least once.

The order of ids would not do: a row may appear behind one that was passed on already. In the chain
nothing does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from audit.cursors import advance, cursor, fail
from audit.models import AuditCursor, AuditEvent, AuditSeal, SealedEvent
from audit.streams.cef import tell_rows
from audit.streams.names import active_streams
from audit.streams.otlp import StreamFailed, post_rows
from authplane.core.metrics import counter

CHUNK: Final = 500

SENDERS: Final[dict[str, Callable[[Sequence[AuditEvent]], None]]] = {
    "stream:otlp": post_rows,
    "stream:cef": tell_rows,
}


def pass_on(*, seconds: float = 50) -> dict[str, Any]:
    """Every configured stream has taken what is sealed, as far as time allows.

    The place is kept after each chunk that was taken: whoever dies in between sends one twice.
    """
    return {name.partition(":")[2]: _pass_on(name, seconds=seconds) for name in active_streams()}


def _pass_on(name: str, *, seconds: float) -> int:
    """How many rows the stream took."""
    deadline, row, taken = time.monotonic() + seconds, cursor(name), 0
    try:
        while time.monotonic() < deadline and (sent := _next_chunk(row, SENDERS[name])) is not None:
            taken += sent
    except StreamFailed as error:
        counter("authplane_audit_stream_failures_total").labels(stream=name.partition(":")[2]).inc()
        fail(row, str(error))
    return taken


def _next_chunk(row: AuditCursor, sender: Callable[[Sequence[AuditEvent]], None]) -> int | None:
    """How many rows of the next batch were sent; None when there is no further batch."""
    seal = AuditSeal.objects.filter(number=row.seal + 1).first()
    if seal is None:
        return None
    places = SealedEvent.objects.filter(seal=seal.number, position__gte=row.rows)
    keys = list(places.order_by("position").values_list("event", flat=True)[:CHUNK])
    found = AuditEvent.objects.in_bulk(keys)
    rows = [found[key] for key in keys if key in found]
    if rows:
        sender(rows)
    at = row.rows + len(keys)
    if not keys or at >= seal.count:
        advance(row, seal=seal.number)
    else:
        advance(row, seal=row.seal, rows=at)
    return len(rows)
