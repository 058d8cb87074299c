"""How a connection comes to an end, or to a halt, and what is counted of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NoReturn

from django.db import transaction

from audit import events, record
from authplane.core import clock
from authplane.core.metrics import counter
from broker import measures
from broker.connections.selectors import name_of
from broker.connections.services import revoke
from broker.models import Connection
from broker.refresh.outcomes import ReconnectNeeded, TokenReuseDetected

COUNTED_AS: Final = {
    "success": (measures.SUCCESS, "normal"),
    "refused": (measures.FAILURE, "normal"),
    "misconfigured": (measures.FAILURE, "normal"),
    "unavailable": (measures.FAILURE, "normal"),
    "indeterminate": (measures.FAILURE, "exception"),
    "discarded": (measures.FAILURE, "concurrent_failed"),
    "reuse_detected": ("reuse_detected", "security"),
}


def end_for_reuse(row: Connection, *, now: datetime) -> None:
    """The connection is ended because an attempt of unknown outcome would have to be repeated.

    Returns when somebody else changed it first.

    Raises: TokenReuseDetected.
    """
    with transaction.atomic():
        ended = revoke(
            row.pk, reason="reuse_detected", now=now, actor_id="system", if_version=row.version
        )
        if ended:
            record.record(
                events.BrokerGrantReuseDetected(
                    actor_id="system", provider=name_of(row), grant_id=str(row.pk)
                )
            )
    if ended:
        count(row, "reuse_detected")
        raise TokenReuseDetected


def wait_for_user(row: Connection, code: str) -> NoReturn:
    """The connection waits for its user. Raises: ReconnectNeeded."""
    measures.refreshed(measures.FAILURE, "no_refresh_token")
    unchanged = Connection.objects.filter(pk=row.pk, version=row.version)
    if unchanged.update(
        status=Connection.Status.REAUTH_REQUIRED, access_sealed=None, updated_at=clock.now()
    ):
        measures.revoked("expired" if code == "expired" else "security")
    raise ReconnectNeeded(code)


def count(row: Connection, outcome: str, *, is_refresh: bool = True) -> None:
    """What came of asking the service, or of not being able to."""
    counter("authserver_upstream_token_refresh_total").labels(name_of(row), outcome).inc()
    if is_refresh:
        measures.refreshed(*COUNTED_AS[outcome])
