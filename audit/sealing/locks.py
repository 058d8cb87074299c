"""One writer of the chain at a time."""

from __future__ import annotations

from typing import Final

from django.db import connection

LOCK: Final = 0x61_75_64_69_74_73_65_61
"""Advisory lock: before the first batch there is no row that could be locked."""


def hold_chain() -> None:
    """Until the present transaction ends, nobody else adds to the chain or takes from it.

    SQLite needs no lock: its transactions begin IMMEDIATE, so that there is one writer.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
