"""Remove old rows of the ledger by their ids, which begin with the time they were made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from authplane.core.config import config
from authplane.core.ids import first_uuid7_at
from oauth.models import AccessToken

BATCH: Final = 5000
MAX_BATCHES: Final = 400
"""Two million rows a run; what is left waits for the next one."""


def purge_ledger(now: datetime) -> int:
    """Rows of tokens issued longer ago than the retention are gone; the answer says how many.

    The primary key alone is read: the table needs no index on expiry, which every issued token
    would have to maintain. Each batch is a transaction of its own, so that locks stay few.
    """
    bound = first_uuid7_at(now - timedelta(seconds=config().tokens.ledger_retention))
    total = 0
    for _ in range(MAX_BATCHES):
        old = AccessToken.objects.filter(pk__lt=bound).order_by("pk").values_list("pk", flat=True)
        batch = list(old[:BATCH])
        if not batch:
            break
        deleted, _ = AccessToken.objects.filter(pk__lte=batch[-1]).delete()
        total += deleted
        if len(batch) < BATCH:
            break
    return total
