"""Figures that are read when metrics are collected, from what all processes share."""

from __future__ import annotations

import math
from collections.abc import Callable

from django.db import DatabaseError

from authplane.core import clock
from authplane.core.metrics import provide_gauge
from oauth.clients.selectors import count_active
from oauth.models import TokenFamily
from oauth.registration.approval import count_waiting


def connect() -> None:
    """The gauges of this app have their source."""
    provide_gauge("authserver_active_clients", _or_unknown(count_active))
    provide_gauge("authplane_approvals_waiting", _or_unknown(count_waiting))
    provide_gauge("authserver_active_token_families", _or_unknown(count_families))


def count_families() -> int:
    """How many authorizations can still be refreshed."""
    return TokenFamily.objects.filter(revoked_at=None, expires_at__gt=clock.now()).count()


def _or_unknown(count: Callable[[], int]) -> Callable[[], float]:
    """No number while the database is away: the other metrics are needed most just then."""

    def read() -> float:
        try:
            return float(count())
        except DatabaseError:
            return math.nan

    return read
