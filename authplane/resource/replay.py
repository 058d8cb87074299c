"""Remember the proofs that were used, so that none is used twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from .errors import Unavailable

_SWEEP: Final = 1024


class MemoryReplay:
    """The memory of this process; behind several processes pass a shared one to `spend`.

    Full, it lets nobody in until entries lapse: forgetting would let a replay pass.
    """

    def __init__(
        self, *, capacity: int = 200_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity, self._clock = capacity, clock
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()
        self._since_sweep = 0

    def __call__(self, key: str, seconds: int) -> bool:
        """True for the first of all callers within `seconds`.

        Raises: Unavailable when there is no room left.
        """
        now = self._clock()
        with self._lock:
            self._since_sweep += 1
            if self._since_sweep >= _SWEEP or len(self._until) >= self._capacity:
                self._sweep(now)
            if self._until.get(key, 0.0) > now:
                return False
            if len(self._until) >= self._capacity:
                raise Unavailable("replay memory is full")
            self._until[key] = now + seconds
            return True

    def _sweep(self, now: float) -> None:
        self._since_sweep = 0
        self._until = {key: until for key, until in self._until.items() if until > now}
