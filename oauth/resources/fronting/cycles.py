"""Whether links lead back to where they began. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def leads_to(edges: Iterable[tuple[N, N]], *, start: N, goal: N) -> bool:
    """Whether ``goal`` can be reached from ``start`` along ``edges``; from itself it can.

    Every node is visited once, so that cycles among other nodes end as well.
    """
    outgoing: defaultdict[N, list[N]] = defaultdict(list)
    for source, target in edges:
        outgoing[source].append(target)
    waiting, seen = [start], {start}
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        ahead = [target for target in outgoing[node] if target not in seen]
        seen.update(ahead)
        waiting += ahead
    return False
