"""Settings of tokens with which platforms vouch for their workloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authplane.core.areas.declare import setting
from authplane.core.env import duration

HOUR: Final = 3600
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class WorkloadTokens:
    """Tokens with which platforms vouch for their workloads."""

    max_token_age: int = setting(
        "workload.max_token_age",
        HOUR,
        "How long ago a workload token may have been issued, however long it is valid. Platforms"
        " renew their tokens earlier; what is older has been lying somewhere.",
        read=duration,
        low=60,
        high=DAY,
    )
