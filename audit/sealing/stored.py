"""The chain as the database has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.db.models import Q

from audit.models import AuditEvent, AuditSeal, SealedEvent, SealRemoval
from audit.sealing.canonical import shown_row
from audit.sealing.chain import MOST, Batch, Finding, Member, Report, Verifier
from audit.sealing.checkpoint import FIRST, HEADER_MEMBERS
from audit.sealing.keys import genuine_keys
from audit.sealing.seal import earliest_late, last_seal, unsealed
from authplane.core import clock
from authplane.core.ids import first_uuid7_at

CHUNK: Final = 200
AHEAD: Final = timedelta(days=1)
"""By how much a clock may be ahead. A row from beyond would never be sealed."""


def verify_stored(*, anchored: list[str] | None = None, first: int = 1, last: int = 0) -> Report:
    """The chain in the database from batch ``first`` to ``last`` (0: the newest), and its rows.

    Over the whole chain rows that belong to no batch and should are found too. Keys count only
    when their private part opens: a key that somebody added to the table signs nothing.

    Raises: CryptoError without a data key.
    """
    before = AuditSeal.objects.filter(number=first - 1).first() if first > 1 else None
    verifier = Verifier(genuine_keys(), first=first, previous=before.digest if before else FIRST)
    for batch in batches(first=first, last=last):
        verifier.take(batch)
    if first == 1 and not last:
        for finding in strangers():
            verifier.report.add(finding)
        verifier.compare(anchored or [])
    return verifier.report


def batches(*, first: int = 1, last: int = 0) -> Iterator[Batch]:
    """Every batch with its rows, in the order of the chain."""
    number = first
    while True:
        seals = AuditSeal.objects.filter(number__gte=number).order_by("number")
        if last:
            seals = seals.filter(number__lte=last)
        found = list(seals[:CHUNK])
        if not found:
            return
        yield from (stored_batch(seal) for seal in found)
        number = found[-1].number + 1


def stored_batch(seal: AuditSeal) -> Batch:
    """One batch with its rows, read again when retention removed them meanwhile."""
    while True:
        before = _removal_of(seal)
        members = SealedEvent.objects.filter(seal=seal.number).order_by("position")
        rows = AuditEvent.objects.filter(pk__in=members.order_by().values("event"))
        batch = Batch(
            header=shown_row({name: getattr(seal, name) for name in HEADER_MEMBERS}),
            digest=seal.digest,
            checkpoint=seal.checkpoint,
            removal=before,
            members=[Member(str(one.event), one.position, bytes(one.leaf)) for one in members],
            rows={str(row["id"]): shown_row(row) for row in rows.order_by().values()},
        )
        if _removal_of(seal) == before:
            return batch


def _removal_of(seal: AuditSeal) -> str:
    found = SealRemoval.objects.filter(seal=seal.number).values_list("statement", flat=True)
    return found.first() or ""


def strangers() -> Iterator[Finding]:
    """Rows that no batch holds although it is too late for that, and members of no batch."""
    newest = last_seal()
    if newest is None:
        return
    outside: Any = AuditEvent.objects.filter(
        Q(pk__lt=earliest_late(newest.upto)) | Q(pk__gte=first_uuid7_at(clock.now() + AHEAD))
    )
    for key in unsealed(outside).order_by("pk").values_list("pk", flat=True)[:MOST]:
        yield Finding("inserted_row", "stands in no batch, and its time is sealed", 0, str(key))
    beyond = SealedEvent.objects.filter(Q(seal__gt=newest.number) | Q(seal__lt=1))
    for one in beyond.order_by("event")[:MOST]:
        yield Finding("truncated", "a member of a batch that is gone", one.seal, str(one.event))
