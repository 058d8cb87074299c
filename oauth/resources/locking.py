"""One change of the registry at a time, where no constraint can say what must hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

LOCK: Final = 0x61_75_74_68_72_65_73
"""Advisory lock: that two URIs mean the same, and that links form no cycle, are not constraints."""


@contextmanager
def exclusive() -> Iterator[None]:
    """A transaction; nobody else changes resources or links until it ends.

    On SQLite a transaction that writes is alone anyway.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield
