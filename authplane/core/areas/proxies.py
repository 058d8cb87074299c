"""Settings of OAuth proxies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authplane.core.areas.declare import setting
from authplane.core.env import duration

MINUTE: Final = 60
DAY: Final = 24 * 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Proxies:
    """What clients of OAuth proxies get. Durations are seconds."""

    session_ttl: int = setting(
        "proxies.session_ttl",
        DAY,
        "How long a client of an OAuth proxy can go on with one authorization, however often it"
        " refreshes its tokens.",
        read=duration,
        low=5 * MINUTE,
        high=90 * DAY,
    )
