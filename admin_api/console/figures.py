"""The figures of the overview: of bounded cost on tables of any size, and at most seconds old."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Model, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import TruncDay, TruncHour

from audit.models import AuditEvent
from authplane.core.console_lists import among_newest, rows_of
from authplane.core.ids import first_uuid7_at
from broker.models import Connection
from oauth.models import AccessToken

MOST_TOKENS: Final = 100_000
MOST_REFUSALS: Final = 5_000
MOST_CONNECTIONS: Final = 200_000
MOST_ROWS: Final = 10_000
SHOWN_REASONS: Final = 10
REFUSALS: Final = (
    "token.issue_denied", "token.refresh_denied", "token.exchange_denied",
    "token.introspect_denied", "client_credentials.denied", "jwt_bearer.denied",
    "user.login_failed", "user.oidc_login_failed", "console.login_failed", "auth.locked_out",
    "admin.auth_failed", "api_key.refused", "broker_connect.state_refused", "auth_code.reused",
    "broker_grant.reuse_detected",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time up to now, in columns of an hour or a day."""

    key: str
    label: str
    columns: int
    step: timedelta

    def starts(self, *, now: datetime) -> tuple[datetime, ...]:
        """When its columns begin, the oldest first."""
        now = now.astimezone(UTC)
        last = now.replace(minute=0, second=0, microsecond=0)
        if self.step >= timedelta(days=1):
            last = last.replace(hour=0)
        return tuple(last - self.step * back for back in range(self.columns - 1, -1, -1))


WINDOWS: Final = {
    "24h": Window("24h", "24 hours", 24, timedelta(hours=1)),
    "7d": Window("7d", "7 days", 7, timedelta(days=1)),
}


@dataclass(frozen=True, slots=True)
class Issuance:
    """Tokens issued by grant, one count for each column; ``is_cut`` when only the newest count."""

    by_kind: dict[str, tuple[int, ...]]
    total: int
    users: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Refusals:
    """What was refused and why, the most frequent first."""

    reasons: tuple[tuple[str, int], ...]
    total: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Health:
    """Connections of one provider by how they are; ``failing`` had their last refresh refused."""

    provider: str
    by_status: dict[str, int]
    failing: int


def issuance(window: Window, *, now: datetime) -> Issuance:
    """Three statements on the primary key, over at most `MOST_TOKENS` rows."""
    starts = window.starts(now=now)
    since = AccessToken.objects.filter(pk__gte=first_uuid7_at(starts[0]))
    counted = among_newest(since, MOST_TOKENS)
    truncate = TruncHour if window.step < timedelta(days=1) else TruncDay
    found: dict[str, Counter[datetime]] = {}
    rows = (
        counted.annotate(at=truncate("created", tzinfo=UTC))
        .order_by()
        .values_list("kind", "at")
        .annotate(count=Count("pk"))
    )
    for kind, at, count in rows:
        found.setdefault(kind, Counter())[at.astimezone(UTC)] += count
    by_kind = {kind: tuple(hits[start] for start in starts) for kind, hits in found.items()}
    total = sum(sum(counts) for counts in by_kind.values())
    # Not COUNT(DISTINCT), which sorts.
    users = counted.filter(user__isnull=False).order_by().values("user").distinct().count()
    return Issuance(by_kind, total, users, is_cut=total >= MOST_TOKENS)


def refusals(window: Window, *, now: datetime) -> Refusals:
    """One statement on the index of actions, over at most `MOST_REFUSALS` rows."""
    first = first_uuid7_at(window.starts(now=now)[0])
    newest = AuditEvent.objects.filter(action__in=REFUSALS, pk__gte=first).order_by("-pk")
    rows = (
        AuditEvent.objects.filter(pk__in=newest.values("pk")[:MOST_REFUSALS])
        .order_by()
        .annotate(reason=KeyTextTransform("reason", "detail"))
        .values_list("action", "reason")
        .annotate(count=Count("pk"))
    )
    counts: Counter[str] = Counter()
    for action, reason, count in rows:
        counts[f"{action}: {reason}" if reason else action] += count
    total = sum(counts.values())
    return Refusals(tuple(counts.most_common(SHOWN_REASONS)), total, total >= MOST_REFUSALS)


def upstream_health() -> tuple[Health, ...]:
    """Two statements over at most `MOST_CONNECTIONS` connections, the newest."""
    rows = (
        among_newest(Connection.objects.all(), MOST_CONNECTIONS)
        .order_by()
        .values_list("provider__display_name", "status")
        .annotate(count=Count("pk"), failing=Count("pk", filter=Q(failures__gt=0)))
    )
    statuses: dict[str, dict[str, int]] = {}
    failing: Counter[str] = Counter()
    for provider, status, count, failed in rows:
        name = provider or "MCP servers of users"
        known = statuses.setdefault(name, {})
        known[status] = known.get(status, 0) + count
        failing[name] += failed
    return tuple(Health(name, statuses[name], failing[name]) for name in sorted(statuses))


def how_many(model: type[Model]) -> str:
    """The number of rows: exact while it is small, else what the database believes."""
    counted = rows_of(model).order_by()[: MOST_ROWS + 1].count()
    if counted <= MOST_ROWS:
        return f"{counted:,}"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
                [model._meta.db_table],  # noqa: SLF001 - public by custom
            )
            believed = cursor.fetchone()[0]
        if believed > MOST_ROWS:
            return f"about {believed:,}"
    return f"over {MOST_ROWS:,}"


def statuses_of(health: Sequence[Health]) -> Counter[str]:
    """Connections of all providers by how they are."""
    found: Counter[Any] = Counter()
    for one in health:
        found.update(one.by_status)
    return found
