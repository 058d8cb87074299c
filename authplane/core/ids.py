"""Row identifiers."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from uuid_utils import compat

_AFTER_THE_TIME: Final = 80


def uuid7() -> uuid.UUID:
    """A new time-ordered UUID (version 7).

    Ordered keys keep inserts at the right edge of an index and let tables be partitioned by time.

    Spec: RFC 9562 section 5.7.
    """
    return compat.uuid7()


def id_or_none(value: object) -> uuid.UUID | None:
    """The id that a text spells; None for every other text, and for what is no text."""
    try:
        return uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def first_uuid7_at(moment: datetime) -> uuid.UUID:
    """The least UUIDv7 that could have been made at ``moment``; of earlier times that of 1970.

    Older rows have lesser ids, so that a range of ids is a range of time.

    Spec: RFC 9562 section 5.7: the first 48 of the 128 bits are milliseconds since 1970.
    """
    return uuid.UUID(int=max(0, int(moment.timestamp() * 1000)) << _AFTER_THE_TIME)
