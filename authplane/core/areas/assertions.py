"""Settings of assertions that identity providers sign."""

from __future__ import annotations

from dataclasses import dataclass

from authplane.core.areas.declare import setting
from authplane.core.env import boolean, duration, text_list

HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class AssertionGrants:
    """Assertions of other issuers: identity providers (ID-JAG) and workload issuers."""

    max_assertion_age: int = setting(
        "xaa.max_assertion_age",
        300,
        "How long ago an identity assertion may have been made.",
        read=duration,
        low=10,
        high=HOUR,
    )
    require_resource: bool = setting(
        "xaa.require_resource",
        False,
        "Whether an identity assertion is refused when neither it nor the request names a"
        " resource.",
        read=boolean,
    )
    subject_mode: str = setting(
        "xaa.subject_mode",
        "auto_map",
        "What becomes of subjects without a mapping: they are named <issuer>:<subject>, or"
        " refused.",
        choices=("auto_map", "strict"),
    )
    jwks_cache_ttl: int = setting(
        "xaa.jwks_cache_ttl",
        HOUR,
        "How long the published keys of other issuers are used before they are fetched anew.",
        read=duration,
        low=60,
        high=DAY,
    )
    allowed_private_hosts: tuple[str, ...] = setting(
        "xaa.allowed_private_hosts",
        (),
        "Hosts of issuers, by name, that may resolve to private addresses.",
        read=text_list,
    )
