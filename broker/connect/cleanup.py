"""Remove what hops leave behind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from authplane.core.purge import delete_in_batches
from broker.models import ConnectState

MEMORY: Final = timedelta(days=1)
"""How long after its end a hop is remembered: a second use of its state is then recognised."""


def purge_states(now: datetime) -> int:
    """Hops that lapsed more than a day ago are gone, whatever became of them."""
    return delete_in_batches(ConnectState.objects.filter(expires_at__lte=now - MEMORY))
