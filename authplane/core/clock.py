"""The only source of time, so that tests can move it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

FAR_FUTURE: Final = 1e12


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(tz=UTC)


def epoch() -> int:
    """The present instant in whole seconds since 1970, as token claims count it."""
    return int(time.time())


def numeric_date(value: object, *, before: float = FAR_FUTURE) -> float | None:
    """The seconds since 1970 that a claim says; None for what says none. True is no number here.

    A number of four hundred digits cannot be reckoned with.

    Spec: RFC 7519 section 2, NumericDate.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < before else None


def as_text(moment: datetime) -> str:
    """``moment`` in UTC, to the second.

    Spec: RFC 3339 section 5.6.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_text_or_none(moment: datetime | None) -> str | None:
    """The same of a moment that may not have come."""
    return None if moment is None else as_text(moment)
