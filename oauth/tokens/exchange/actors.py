"""Who acts for whom: the `act` claim of an exchanged token. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from oauth.errors import OAuthError, Reason

MAX_AGENTS: Final = 8
"""Members of `agent_chain`. Of a longer chain the newest are kept: they are the ones at work."""

_NOT_OF_A_HOP: Final = frozenset({"exp", "nbf", "aud", "iat", "jti", "may_act"})
# Where tokens say nothing else of an actor, who acts is not a matter of depth.
Hop = dict[str, Any]


def hop_of(subject: str, *, is_agent: bool | None) -> Hop:
    """An actor. `is_agent` is None for one that is neither an agent nor a service."""
    hop: Hop = {"sub": subject}
    if is_agent is not None:
        hop["actor_type"] = "agent" if is_agent else "service"
    return hop


def chain_of(claims: Mapping[str, Any]) -> Hop | None:
    """The chain of a token as a new token carries it on; None when nobody acts.

    What says something about a token, and nothing about an actor, is left out of every hop.

    Spec: RFC 8693 section 4.1 (`exp`, `nbf` and `aud` are not used within `act`).
    """
    hops = [
        {name: value for name, value in hop.items() if name not in _NOT_OF_A_HOP | {"act"}}
        for hop in _hops(claims.get("act"))
    ]
    chain: Hop | None = None
    for hop in reversed(hops):
        chain = hop if chain is None else hop | {"act": chain}
    return chain


def with_hop(hop: Hop, *, before: Hop | None) -> Hop:
    """The chain in which this actor is the newest, outermost."""
    return dict(hop) if before is None else hop | {"act": before}


def require_depth(chain: Hop | None, *, limit: int) -> None:
    """The chain has at most ``limit`` hops.

    Raises: OAuthError(CHAIN_TOO_DEEP).
    """
    if sum(1 for _ in _hops(chain)) > limit:
        raise OAuthError(Reason.CHAIN_TOO_DEEP)


def agents_of(chain: Hop | None) -> tuple[str, ...]:
    """The subjects of the chain, oldest first, at most eight: the newest ones."""
    newest_first = [str(hop["sub"]) for hop in _hops(chain) if "sub" in hop]
    return tuple(reversed(newest_first[:MAX_AGENTS]))


def _hops(chain: object) -> Iterator[Hop]:
    """The hops, newest first."""
    while isinstance(chain, dict):
        yield chain
        chain = chain.get("act")
