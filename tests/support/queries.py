"""Exact statement budgets: the number is part of a behaviour's contract, so one more fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext


@contextmanager
def query_budget(expected: int) -> Iterator[CaptureQueriesContext]:
    """Exactly `expected` statements reach the database within it, or the test fails and lists them.

    BEGIN and COMMIT count, for each is a round trip on PostgreSQL. Inside a test's own transaction
    a nested one shows as SAVEPOINT and RELEASE instead: the same number.
    """
    with CaptureQueriesContext(connection) as captured:
        yield captured
    statements = [entry["sql"] for entry in captured.captured_queries]
    if len(statements) != expected:
        listing = "\n".join(f"{i:3}. {sql[:400]}" for i, sql in enumerate(statements, start=1))
        pytest.fail(
            f"budget is {expected} statements, used {len(statements)} "
            f"({connection.vendor}):\n{listing or '  (none)'}",
            pytrace=False,
        )
