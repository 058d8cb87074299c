"""Which program this is, and since when this process runs."""

from __future__ import annotations

import time
from typing import Final

from authplane import __version__

VERSION: Final = __version__
_STARTED: Final = time.monotonic()
_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def uptime() -> int:
    """Whole seconds since this process started."""
    return int(time.monotonic() - _STARTED)


def spelled(seconds: int) -> str:
    """A duration as people read it: `1d 2h 3m 4s`, without leading units of zero."""
    parts: list[str] = []
    for unit, size in _UNITS:
        number, seconds = divmod(seconds, size)
        if number or parts or unit == "s":
            parts.append(f"{number}{unit}")
    return " ".join(parts)


def as_go_duration(seconds: int) -> str:
    """A duration as Go prints it, which callers of AuthPlane parse: `1h0m0s`, `1m0s`, `30s`."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"
