"""Seal and open what belongs to one column of one row.

Nothing else in this app calls the kernel's sealing: a value that is moved to another row or
column does not open there, because its place is part of what was sealed.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from authplane.core import crypto


def place(table: str, row: UUID | int, column: str) -> str:
    """The place a sealed value belongs to."""
    return f"{table}:{row}:{column}"


def seal_text(text: str, *, table: str, row: UUID | int, column: str) -> bytes:
    """The text, sealed for this place.

    Raises: CryptoError when no data key is configured.
    """
    return crypto.seal(text.encode(), context=place(table, row, column))


def open_text(blob: bytes | memoryview, *, table: str, row: UUID | int, column: str) -> str:
    """The text that was sealed for this place.

    Raises: CryptoError.
    """
    return crypto.open_sealed(bytes(blob), context=place(table, row, column)).decode()


def reseal(blob: bytes, *, table: str, row: UUID | int, column: str) -> bytes:
    """The same content, sealed for the same place with the present data key.

    Raises: CryptoError.
    """
    context = place(table, row, column)
    return crypto.seal(crypto.open_sealed(blob, context=context), context=context)


def seal_members(members: dict[str, Any], *, table: str, row: UUID | int, column: str) -> bytes:
    """A JSON object, sealed for this place. Raises: CryptoError."""
    return seal_text(json.dumps(members), table=table, row=row, column=column)


def open_members(blob: bytes | memoryview, *, table: str, row: UUID | int, column: str) -> Any:
    """The JSON object that was sealed for this place. Raises: CryptoError."""
    return json.loads(open_text(blob, table=table, row=row, column=column))
