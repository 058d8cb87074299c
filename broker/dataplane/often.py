"""What happens on every request and is written down once a minute."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from datetime import datetime
from typing import Final

MINUTE: Final = 60.0
MOST: Final = 10_000


class Seldom:
    """Remembers what was written down, for a bounded number of things in this process."""

    def __init__(self, *, seconds: float = MINUTE) -> None:
        self._seconds = seconds
        self._done: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def is_due(self, key: Hashable, *, now: datetime) -> bool:
        """Whether ``key`` was not due within the last minute; then it is not for the next one."""
        at = now.timestamp()
        if at - self._done.get(key, -self._seconds) < self._seconds:
            return False
        with self._lock:
            if len(self._done) >= MOST:
                self._done.clear()
            self._done[key] = at
        return True

    def forget(self, key: Hashable) -> None:
        """``key`` is due again: it could not be written down."""
        with self._lock:
            self._done.pop(key, None)
