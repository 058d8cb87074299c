"""Ask a remote MCP server whether it needs an account, and what it says about where to get one."""

from __future__ import annotations

from dataclasses import dataclass

from broker.remote.challenges import Challenge


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What the server answered. `requires_auth` is None when the answer does not say."""

    requires_auth: bool | None
    challenge: Challenge


def probe(url: str, *, deadline: float) -> Probed:
    """Whether the server wants a token.

    ``deadline`` is of the monotonic clock.

    Raises: DiscoveryFailed (unreachable).
    """
    raise NotImplementedError
