"""How many rows there are, as far as somebody waits for it: tables have millions of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import connections

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

COUNTED: Final = 10_000
"""Rows of a list that are counted one by one. Nobody pages further than that."""


class Count(NamedTuple):
    """A number of rows. Unless ``is_exact``, of a list there are more, of a table about as many."""

    number: int
    is_exact: bool


def counted(rows: QuerySet[Any], *, limit: int = COUNTED) -> Count:
    """How many ``rows`` there are; of more than ``limit``, that number, which is then not exact.

    The database stops at the limit: a count of a million rows takes longer than their page.
    """
    found = rows.order_by()[: limit + 1].count()
    return Count(min(found, limit), found <= limit)


def estimated(rows: QuerySet[Any]) -> int:
    """About how many ``rows`` there are: what PostgreSQL plans with, others count."""
    if connections[rows.db].vendor != "postgresql":
        return rows.count()
    plan = json.loads(rows.order_by().explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])


def table_size(model: type[Model]) -> Count:
    """How many rows the table has; of a large one, what the statistics of PostgreSQL say."""
    rows = model._default_manager.all()  # noqa: SLF001 - Django's public name for it
    small, connection = counted(rows), connections[rows.db]
    if small.is_exact:
        return small
    if connection.vendor != "postgresql":
        return Count(rows.count(), is_exact=True)
    table = connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001 - as above
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
        row = cursor.fetchone()
    # -1 before the table was ever looked at; never less than what was counted just now.
    return Count(max(int(row[0]) if row else 0, small.number), is_exact=False)
