"""Rows past their time are removed, batch by batch, and never one that was not sealed.

What stays of a batch is its header: how many rows, of which time, how many of each action, and
the root over their digests. The removal itself is signed, so that nobody else can remove one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Min, OuterRef

from audit import record
from audit.events import AuditRowsRemoved
from audit.models import AuditCursor, AuditEvent, AuditSeal, SealedEvent, SealRemoval
from audit.sealing import keys
from audit.sealing.canonical import moment
from audit.sealing.checkpoint import REMOVAL
from audit.sealing.locks import hold_chain
from audit.streams.names import active_streams
from authplane.core import clock
from authplane.core.config import config


def remove_past_retention() -> dict[str, Any]:
    """Batches whose every row is older than the setting says have no rows any more."""
    kept = config().audit.retention
    return remove_before(clock.now() - timedelta(seconds=kept)) if kept else {"rows": 0, "seals": 0}


def remove_before(cutoff: datetime, *, actor: str = "system") -> dict[str, Any]:
    """The same for batches that end before ``cutoff``.

    A batch that a configured stream has not taken yet stays.

    Raises: CryptoError when the removal cannot be signed.
    """
    removed = [(number, _remove(number, cutoff=cutoff)) for number in _due(cutoff)]
    rows = sum(count for _, count in removed)
    if removed:
        record.record(
            AuditRowsRemoved(
                actor_id=actor, first_seal=removed[0][0], last_seal=removed[-1][0], rows=rows
            )
        )
    return {"rows": rows, "seals": len(removed)}


def _due(cutoff: datetime) -> Iterator[int]:
    due = AuditSeal.objects.filter(
        ~Exists(SealRemoval.objects.filter(seal=OuterRef("number"))), last_at__lt=cutoff
    )
    names = active_streams()
    if names:
        done = AuditCursor.objects.filter(name__in=names)
        least = done.aggregate(least=Min("seal"))["least"] if done.count() == len(names) else 0
        due = due.filter(number__lte=least)
    yield from due.order_by("number").values_list("number", flat=True)


@transaction.atomic
def _remove(number: int, *, cutoff: datetime) -> int:
    """How many rows of the batch are gone."""
    hold_chain()
    seal = AuditSeal.objects.get(number=number)
    now = clock.now()
    statement = {
        "seal": number,
        "digest": seal.digest,
        "removed_at": moment(now),
        "cutoff": moment(cutoff),
    }
    # First, because the database lets rows of a batch go only when a removal is on file.
    SealRemoval.objects.create(
        seal=number, removed_at=now, statement=keys.sign(statement, typ=REMOVAL)
    )
    members = SealedEvent.objects.filter(seal=number)
    rows, _ = AuditEvent.objects.filter(pk__in=members.values("event")).order_by().delete()
    members.delete()
    return rows
