"""The only source of time, so that tests can move it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(tz=UTC)


def epoch() -> int:
    """The present instant in whole seconds since 1970, as token claims count it."""
    return int(time.time())
