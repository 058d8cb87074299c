"""Finding rows in a record of millions, in a bounded time whatever is asked for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from audit.models import AuditEvent
from audit.selectors import find_events

PAGE: Final = 50
WINDOW: Final = 50_000
"""Rows that one page looks through for what has no index of its own."""
INDEXED: Final = ("actor_id", "client_id", "action")
"""The most telling first: it leads, and what else is asked is looked for among its rows."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of rows, the newest first.

    ``older`` is the id to go on from, None at the end. ``is_window`` when the page ends because
    enough was looked through, not because it is full.
    """

    rows: list[AuditEvent]
    older: uuid.UUID | None
    is_window: bool


def search(
    asked: Mapping[str, str], *, since: datetime | None, until: datetime | None,
    before: uuid.UUID | None,
) -> Found:  # fmt: skip
    """The rows that fit everything. Two statements, each a range of one index.

    ``asked`` may name `action`, `actor_id`, `client_id` and `request_id`. With one of the first
    three the index of it is walked; with more, one leads and the others are looked for among its
    next rows, as the request id is, which has no index: nobody can make a page read the whole
    table.
    """
    given = {name: value for name, value in asked.items() if value}
    lead = next((name for name in INDEXED if name in given), "")
    led = {lead: given.pop(lead)} if lead else {}
    rows = find_events(**led, since=since, until=until)
    if before:
        rows = rows.filter(pk__lt=before)
    if not given:
        return _page(rows, edge=None)
    edge = _edge(rows)
    if edge is not None:
        rows = rows.filter(pk__gte=edge)
    return _page(rows.filter(**given), edge=edge)


def _edge(rows: QuerySet[AuditEvent]) -> uuid.UUID | None:
    """The oldest row that this page looks at; None when it sees all of them."""
    return next(iter(rows.values_list("pk", flat=True)[WINDOW - 1 : WINDOW]), None)


def _page(rows: QuerySet[AuditEvent], *, edge: uuid.UUID | None) -> Found:
    found = list(rows[: PAGE + 1])
    if len(found) > PAGE:
        return Found(found[:PAGE], found[PAGE - 1].pk, is_window=False)
    return Found(found, edge, is_window=edge is not None)
