"""`/console/`: what is going on, at a glance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from admin_api.console import figures, plots
from admin_api.console.inspecting import in_words
from admin_api.console.key_dates import drawn, lives
from audit.models import AuditEvent, AuditSeal
from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.config import config
from authplane.core.console_pages import console_page, may, page_called, shown
from authplane.core.notices import notices
from oauth.models import AccessToken, Client, ClientApproval

FRESH: Final = 10
"""Seconds for which figures are shown again before they are counted again."""

T = TypeVar("T")

_COLOURS: Final = {
    kind: number % plots.COLOURS + 1 for number, kind in enumerate(AccessToken.Kind.values)
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, what it counts, and what else is worth knowing of it."""

    label: str
    value: str
    note: str = ""


@console_page("", name="overview", title="Overview")
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Each part is there for those who may see the rows that it counts."""
    window = figures.WINDOWS.get(request.GET.get("range", ""), figures.WINDOWS["24h"])
    now = clock.now()
    parts: dict[str, Any] = {}
    if may(request, "oauth.view_accesstoken"):
        parts |= _issued(window, now=now)
    if may(request, "audit.view_auditevent"):
        parts |= _refused(window, now=now)
    if may(request, "oauth.view_signingkey"):
        keys = lives(now=now)
        parts |= {"keys": keys, "key_plot": drawn(keys, now=now)}
    if may(request, "broker.view_connection"):
        parts["health"] = _fresh("health", figures.upstream_health)
    if may(request, "oauth.view_client"):
        parts["waiting"] = _fresh("waiting", _waiting)
        page = page_called("approvals")
        parts["approvals_url"] = (
            reverse("admin:approvals") if page and page.is_open_to(request) else ""
        )
    context = parts | {
        "is_index": True,
        "window": window,
        "windows": figures.WINDOWS.values(),
        "figures": tuple(_figures(request, window, parts)),
        "notices": tuple(notices(config())),
    }
    return shown(request, "console/overview.html", context)


def _issued(window: figures.Window, *, now: datetime) -> dict[str, Any]:
    found = _fresh(f"issued:{window.key}", lambda: figures.issuance(window, now=now))
    series = [
        plots.Series(kind, counts, _COLOURS.get(kind, plots.COLOURS))
        for kind, counts in sorted(found.by_kind.items())
    ]
    hours = window.columns > 7  # noqa: PLR2004 - columns are hours or days
    labels = [f"{start:%H:00}" if hours else f"{start:%a %d}" for start in window.starts(now=now)]
    title = f"Tokens issued by grant, {window.label}"
    return {
        "issued": found,
        "issued_plot": plots.columns(title, labels, series, every=3 if hours else 1),
    }


def _refused(window: figures.Window, *, now: datetime) -> dict[str, Any]:
    found = _fresh(f"refused:{window.key}", lambda: figures.refusals(window, now=now))
    title = f"Refusals by reason, {window.label}"
    return {
        "refused": found,
        "refused_plot": plots.bars(title, ("Reason", "Refusals"), found.reasons),
        "seal": _fresh("seal", lambda: _seal(now=now)),
    }


def _waiting() -> int:
    waiting = ClientApproval.objects.filter(outcome=ClientApproval.Outcome.WAITING)
    return waiting[: figures.MOST_ROWS].count()


def _seal(*, now: datetime) -> dict[str, Any] | None:
    """The last seal of the record and how old it is; None before the first."""
    last = AuditSeal.objects.order_by("-number").only("number", "sealed_at", "upto").first()
    if last is None:
        return None
    open_rows = AuditEvent.objects.filter(pk__gt=last.upto).order_by()[: figures.MOST_ROWS].count()
    return {
        "number": last.number,
        "age": in_words(last.sealed_at, now=now),
        "open": open_rows,
        "is_cut": open_rows >= figures.MOST_ROWS,
    }


def _figures(request: HttpRequest, window: figures.Window, parts: dict[str, Any]) -> Any:
    if issued := parts.get("issued"):
        span = "the newest only" if issued.is_cut else f"in {window.label}"
        yield Figure("Tokens issued", f"{issued.total:,}", span)
        yield Figure("Active users", f"{issued.users:,}", "received tokens in this time")
    if refused := parts.get("refused"):
        span = "the newest only" if refused.is_cut else f"in {window.label}"
        yield Figure("Refusals", f"{refused.total:,}", span)
    if may(request, "oauth.view_client"):
        yield Figure("Clients", _fresh("clients", lambda: figures.how_many(Client)))
    if may(request, "accounts.view_user"):
        yield Figure("Users", _fresh("users", lambda: figures.how_many(User)))
    if (health := parts.get("health")) is not None:
        counted = figures.statuses_of(health)
        total, active = sum(counted.values()), counted.get("active", 0)
        yield Figure("Connections", f"{total:,}", f"{active:,} usable" if total else "")


def _fresh(name: str, count: Callable[[], T]) -> T:
    """The figure as it was at most `FRESH` seconds ago in this process."""
    key = f"console:{name}"
    kept: T | None = cache.get(key)
    if kept is None:
        kept = count()
        cache.set(key, kept, FRESH)
    return kept
