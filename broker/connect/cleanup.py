"""Give up hops that nobody came back from, and remove what hops leave behind."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q
from django.db.models.signals import pre_delete

from authplane.core.purge import delete_in_batches
from broker import measures
from broker.connect.state import ABANDONED, CLAIMED, REMOVED
from broker.models import ConnectState

GRACE: Final = timedelta(minutes=10)
"""How long after its time a hop is left alone: whoever is late is told so."""
MEMORY: Final = timedelta(days=1)
"""How long after its end a hop is remembered: a second use of its state is then recognised."""

log = logging.getLogger(__name__)


def clean_states(now: datetime, *, reason: str = "expired") -> int:
    """Hops whose time was over ten minutes ago, and came to nothing, are failures from now on.

    The answer says how many. ``reason`` is `expired`, or `manual` when somebody asked for it. A
    hop that was claimed by a process that died is among them. Each is counted once, however many
    processes clean up.
    """
    late = now - GRACE
    never_back = Q(consumed_at=None, outcome="", expires_at__lte=late)
    died = Q(outcome=CLAIMED, consumed_at__lte=late)
    rows = ConnectState.objects.filter(never_back | died)
    ended = sum(_give_up(row, outcome=ABANDONED, reason=reason) for row in rows.iterator())
    log.info("pkce_cleanup_completed", extra={"cleaned": ended})
    return ended


def purge_states(now: datetime) -> int:
    """Hops that lapsed more than a day ago are gone, whatever became of them."""
    clean_states(now)
    return delete_in_batches(ConnectState.objects.filter(expires_at__lte=now - MEMORY))


def watch_removals() -> None:
    """Hops that go with their server, provider or user come to an outcome as well."""
    pre_delete.connect(_removed, sender=ConnectState, dispatch_uid="connect-state-removed")


def _removed(instance: ConnectState, **_: Any) -> None:
    if instance.outcome in {"", CLAIMED}:
        _give_up(instance, outcome=REMOVED, reason="server_deleted")


def _give_up(row: ConnectState, *, outcome: str, reason: str) -> bool:
    """Whether this call, of all that try, ended the hop."""
    open_still = ConnectState.objects.filter(pk=row.pk, outcome=row.outcome)
    if not open_still.update(outcome=outcome):
        return False

    measures.flow_given_up(row, outcome=outcome, reason=reason)
    return True
