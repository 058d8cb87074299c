"""Sealed values of this app move to the present data key."""

from __future__ import annotations

import logging

from authplane.core import crypto
from authplane.core.crypto import CryptoError
from authplane.core.rewrap import Rewrapped
from broker.vault.columns import SealedColumn, sealed_columns
from broker.vault.sealing import reseal

log = logging.getLogger(__name__)


def rewrap_everything(*, discard: bool = False) -> Rewrapped:
    """Every value that an older key sealed is sealed with the present one.

    A value that somebody replaces at the same moment stays theirs: what is written is exchanged
    for what was read, or not at all. Values that no key opens are counted and stay as they are;
    with ``discard`` every value is opened, and those are given up.
    """
    try:
        present = crypto.present_key_name()
    except CryptoError:
        return Rewrapped()
    return sum((_rewrap(column, present, discard) for column in sealed_columns()), Rewrapped())


def _rewrap(column: SealedColumn, present: bytes, discard: bool) -> Rewrapped:
    resealed = unreadable = discarded = 0
    for row, old in column.values(besides=None if discard else present):
        try:
            new = reseal(old, table=column.table, row=row, column=column.column)
        except CryptoError:
            unreadable += 1
            discarded += discard and column.discard(row, old=old)
            continue
        if not old.startswith(present):
            resealed += column.replace(row, old=old, new=new)
    if unreadable:
        where = f"{column.table}.{column.column}"
        log.error("sealed values cannot be opened", extra={"where": where, "count": unreadable})
    return Rewrapped(resealed, unreadable, discarded)
