"""Settings of the data plane."""

from __future__ import annotations

from dataclasses import dataclass

from authplane.core.areas.declare import setting
from authplane.core.env import secret


@dataclass(frozen=True, slots=True)
class ForwardAuth:
    """What proxy servers show before they are told upstream credentials."""

    key: str = setting(
        "forward_auth.key",
        "",
        "What a proxy server sends in X-Forward-Auth-Key to /proxy/{slug}/authz on the operator"
        " listener. Empty: that route does not exist.",
        read=secret,
        secret=True,
    )
