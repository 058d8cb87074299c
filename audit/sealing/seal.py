"""Adding batches to the chain: what was recorded since, and what came late.

A row gets its id before its transaction ends, so that ids do not become visible in their order. A
batch takes rows only when they are some seconds old; what was still under way then is swept up
into a later batch of its own. Nothing ever joins a batch that exists: a row that appears behind
the sealed past by more than `LATE` is never sealed, and verification names it as inserted.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, F, Func, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast

from audit.models import AuditEvent, AuditSeal, SealedEvent
from audit.sealing import keys
from audit.sealing.canonical import COLUMNS, FORMAT, header_digest, leaf_of_texts, moment, shown_row
from audit.sealing.checkpoint import CHECKPOINT, FIRST
from audit.sealing.locks import hold_chain
from audit.sealing.merkle import root_of
from authplane.core import clock
from authplane.core.ids import first_uuid7_at
from authplane.core.metrics import counter

BATCH: Final = 5000
SAFETY: Final = 10
"""Seconds that a row is left alone: transactions of requests are over long before."""
LATE: Final = 3600
"""Seconds by which a row may come late. Nothing of ours has a transaction open for so long."""
_PLACES: Final = (
    "INSERT INTO audit_sealedevent (event, seal, position, leaf)"
    " SELECT event, %s, place - 1, leaf"
    " FROM unnest(%s::uuid[], %s::bytea[]) WITH ORDINALITY AS given (event, leaf, place)"
)
_MOMENT: Final = Func(
    F("created_at"),
    template="""to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    output_field=TextField(),
)
"""`canonical.moment`, as PostgreSQL says it."""
TIME_BITS: Final = 80
"""How many bits of a UUIDv7 stand behind its milliseconds."""


def seal_waiting(*, safety: int = SAFETY, seconds: float = 600) -> dict[str, Any]:
    """Every row that is old enough stands in a batch; stops early after ``seconds``.

    Raises: CryptoError when the key of the chain cannot be had.
    """
    started, rows, batches = time.monotonic(), 0, 0
    while time.monotonic() - started < seconds:
        count = _seal_next(safety=safety)
        if not count:
            break
        rows, batches = rows + count, batches + 1
        if count < BATCH:
            break
    return {"rows": rows, "batches": batches}


def sweep_late() -> dict[str, Any]:
    """Rows that became visible behind the sealed past, and not too late, stand in a batch."""
    rows = 0
    while count := _seal_late():
        rows += count
    return {"rows": rows}


def last_seal() -> AuditSeal | None:
    """The newest batch; None before the first."""
    return AuditSeal.objects.order_by("-number").first()


def earliest_late(upto: uuid.UUID) -> uuid.UUID:
    """The least id that may still come late behind ``upto``."""
    return uuid.UUID(int=max(0, (upto.int >> TIME_BITS) - LATE * 1000) << TIME_BITS)


def unsealed(rows: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """Those of the rows that stand in no batch."""
    return rows.filter(~Exists(SealedEvent.objects.filter(event=OuterRef("pk"))))


@transaction.atomic
def _seal_next(*, safety: int) -> int:
    hold_chain()
    before = last_seal()
    rows = AuditEvent.objects.filter(pk__lt=first_uuid7_at(clock.now() - timedelta(seconds=safety)))
    if before:
        rows = rows.filter(pk__gt=before.upto)
    return _add(rows, before=before)


@transaction.atomic
def _seal_late() -> int:
    hold_chain()
    before = last_seal()
    if before is None:
        return 0
    rows = AuditEvent.objects.filter(pk__gte=earliest_late(before.upto), pk__lte=before.upto)
    return _add(unsealed(rows), before=before)


def _add(rows: QuerySet[AuditEvent], *, before: AuditSeal | None) -> int:
    """A batch more, of the first rows; how many they are."""
    found = _first_of(rows)
    if not found:
        return 0
    leaves = [leaf_of_texts(row) for row in found]
    columns = _columns(found, before=before) | {"root": root_of(leaves).hex()}
    header = shown_row(columns)
    AuditSeal.objects.create(
        **columns, digest=header_digest(header), checkpoint=keys.sign(header, typ=CHECKPOINT)
    )
    _place(columns["number"], [row[0] for row in found], leaves)
    transaction.on_commit(
        lambda: counter("authplane_audit_rows_sealed_total").inc(len(found)), robust=True
    )
    return len(found)


def _first_of(rows: QuerySet[AuditEvent]) -> list[tuple[Any, ...]]:
    """The columns of a batch, by `COLUMNS[FORMAT]`, with ids and moments as texts.

    PostgreSQL writes them in a fraction of the time that it takes to read them into objects.
    """
    _, _, *further = COLUMNS[FORMAT]
    rows = rows.order_by("pk")
    if connection.vendor == "postgresql":
        texts = rows.annotate(key=Cast("pk", TextField()), at=_MOMENT)
        return list(texts.values_list("key", "at", *further)[:BATCH])
    found = rows.values_list(*COLUMNS[FORMAT])[:BATCH]
    return [(str(key), moment(at), *others) for key, at, *others in found]


def _place(seal: int, events: list[str], leaves: list[bytes]) -> None:
    """Each row has its place in the batch."""
    if connection.vendor == "postgresql":
        # Two arrays instead of four parameters a row, and as texts, which are put together faster
        # than the driver makes arrays.
        keys_text = "{" + ",".join(events) + "}"
        leaves_text = "{" + ",".join(f'"\\\\x{leaf.hex()}"' for leaf in leaves) + "}"
        with connection.cursor() as cursor:
            cursor.execute(_PLACES, [seal, keys_text, leaves_text])
        return
    SealedEvent.objects.bulk_create(
        SealedEvent(event=event, seal=seal, position=at, leaf=leaf)
        for at, (event, leaf) in enumerate(zip(events, leaves, strict=True))
    )


def _columns(rows: list[tuple[Any, ...]], *, before: AuditSeal | None) -> dict[str, Any]:
    """What is said about a batch of these rows, which are in the order of their ids.

    Texts of ids and of moments are in the same order as what they say.
    """
    ids, moments, actions, *_ = zip(*rows, strict=True)
    upto = str(before.upto) if before else ""
    return {
        "number": before.number + 1 if before else 1,
        "format": FORMAT,
        "sealed_at": clock.now(),
        "first_at": datetime.fromisoformat(min(moments)),
        "last_at": datetime.fromisoformat(max(moments)),
        "upto": uuid.UUID(max(ids[-1], upto)),
        "count": len(rows),
        "late": sum(key <= upto for key in ids),
        "actions": dict(sorted(Counter(actions).items())),
        "previous": before.digest if before else FIRST,
    }
