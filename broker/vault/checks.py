"""What must hold about sealed values before the server answers."""

from __future__ import annotations

from typing import Any, Final

from django.core import checks
from django.db import DatabaseError

from authplane.core import crypto
from authplane.core.crypto import CryptoError
from broker.vault.columns import SealedColumn, sealed_columns
from broker.vault.sealing import reseal

SAMPLE: Final = 20
"""Values of each column that are opened at start: the newest ones."""


@checks.register(checks.Tags.database)
def check_sealed_values(**_: Any) -> list[checks.CheckMessage]:
    """What is stored can be opened with the configured data keys.

    Otherwise the first user of each connection would find out. The keys of all values are looked
    at by name, and the newest values are opened. A database that cannot be asked, or has no tables
    yet, is not this check's business.
    """
    try:
        return [
            checks.Critical(
                f"{column.table}.{column.column}: {problem}.",
                hint="Set AUTHPLANE_DATA_ENCRYPTION_KEY, or AUTHPLANE_DATA_ENCRYPTION_KEY_OLD, to "
                "the value that these were sealed with, and run: manage.py rotate_secrets. If "
                "it is lost, run: manage.py rotate_secrets --discard-unreadable",
                id="authplane.E020",
            )
            for column in sealed_columns()
            if (problem := _problem(column))
        ]
    except (DatabaseError, CryptoError):
        # That a data key cannot be had is told by the check of the keys themselves.
        return []


def _problem(column: SealedColumn) -> str:
    """What is wrong with the values of the column; empty when nothing is."""
    if column.key_names() - crypto.known_key_names():
        return "values are sealed with a data key that is not configured"
    for row, blob in column.newest(SAMPLE):
        try:
            reseal(blob, table=column.table, row=row, column=column.column)
        except CryptoError as error:
            return f"a value cannot be opened ({error})"
    return ""
