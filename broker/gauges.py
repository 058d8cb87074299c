"""How many connections and hops there are now: counted by the database when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.db.models import Count, F, Q, Value
from django.db.models.functions import Coalesce

from authplane.core import clock
from authplane.core.cache import TimedCache
from authplane.core.config import config
from authplane.core.metrics import Reading, provide_gauge
from broker.measures import OTHER
from broker.models import Connection, ConnectState

SECONDS_UNTIL_SEEN: Final = 5.0
USABLE: Final = "usable"
ENDING: Final = "ending"
WAITING: Final = "waiting"

Counts = Counter[tuple[str, str]]


def connect() -> None:
    """The gauges of this app have their source."""
    provide_gauge("oauth_active_tokens", _total(USABLE))
    provide_gauge("oauth_tokens_expiring_soon", _total(ENDING))
    provide_gauge("oauth_active_pkce_states", _total(WAITING))
    provide_gauge("mcp_oauth_sessions_active", _waiting_by_service)


def drop() -> None:
    """This process counts anew."""
    _counts.forget()


def _total(kind: str) -> Callable[[], Reading]:
    return lambda: sum(count for (of, _), count in _counts.get(0).items() if of == kind)


def _waiting_by_service() -> Reading:
    waiting: dict[tuple[str, ...], float] = {
        (name,): count for (of, name), count in _counts.get(0).items() if of == WAITING
    }
    return waiting or {(OTHER,): 0}


def _count(_: int) -> Counts:
    """All of it in one statement, over parts of the tables that an index holds."""
    now = clock.now()
    soon = now + timedelta(seconds=config().broker.refresh_ahead)
    usable = Q(status__in=(Connection.Status.ACTIVE, Connection.Status.REFRESHING))
    ending = Q(
        status=Connection.Status.ACTIVE, access_expires_at__gt=now, access_expires_at__lte=soon
    )
    waiting = ConnectState.objects.filter(consumed_at=None, expires_at__gt=now)
    rows = waiting.values(
        of=Value(WAITING),
        service=Coalesce(
            F("provider__slug"), F("proxy__provider__slug"), F("identity_provider__slug"),
            Value(OTHER),
        ),
    ).annotate(number=Count("pk"))  # fmt: skip
    connections = (
        Connection.objects.filter(those)
        .values(of=Value(kind), service=Value(""))
        .annotate(number=Count("pk"))
        for kind, those in ((USABLE, usable), (ENDING, ending))
    )
    both = rows.order_by().union(*connections, all=True)
    return Counter({(row["of"], row["service"]): row["number"] for row in both})


_counts: TimedCache[int, Counts] = TimedCache(
    "broker-gauges", ttl=SECONDS_UNTIL_SEEN, load=_count, max_size=1
)
