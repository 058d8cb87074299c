"""What the tables hold, as digests: a refused request must leave every one of them as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from psycopg.sql import SQL, Composed, Identifier, Literal


class Digest(NamedTuple):
    """How many rows a table has, and a digest of all their values."""

    rows: int
    content: str


def table_digests() -> dict[str, Digest]:
    """Every table of the authorization server and the one-time values; the record is not one."""
    from django.apps import apps
    from django.db import connection

    from authplane.core.models import OneTimeValue

    models = [*apps.get_app_config("oauth").get_models(), OneTimeValue]
    tables = [model._meta.db_table for model in models]
    if connection.vendor == "postgresql":
        return _digests_by_postgresql(tables)
    return {table: _digest_of(table) for table in tables}


@contextmanager
def nothing_changes() -> Iterator[None]:
    """Whatever happens within it leaves every row of every table as it was."""
    before = table_digests()
    yield
    after = table_digests()
    changed = {
        table: (before[table].rows, after[table].rows)
        for table in before
        if before[table] != after[table]
    }
    assert changed == {}, f"rows before and after: {changed}"


def _digest_of(table: str) -> Digest:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
        rows = sorted(repr([_plain(value) for value in row]) for row in cursor.fetchall())
    return Digest(len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())


def _digests_by_postgresql(tables: list[str]) -> dict[str, Digest]:
    """The same in one statement: its digests differ from those above, and only from those."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_one_statement(tuple(tables)))
        return {table: Digest(rows, content) for table, rows, content in cursor.fetchall()}


@cache
def _one_statement(tables: tuple[str, ...]) -> Composed:
    digest = SQL(
        "SELECT {}, count(*), md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), ''))"
        " FROM {} AS t"
    )
    return SQL(" UNION ALL ").join(
        digest.format(Literal(table), Identifier(table)) for table in tables
    )


def _plain(value: object) -> object:
    """Values whose representation does not tell their content, as bytes."""
    return bytes(value) if isinstance(value, memoryview) else value
