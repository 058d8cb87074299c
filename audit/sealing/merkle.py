"""The root of a tree of digests.

Spec: RFC 6962 section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

NODE: Final = b"\x01"


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over digests of rows, in their order; of nothing, the digest of nothing.

    Pairing level by level, where an odd last one moves up as it is, gives the same tree as the
    recursive split of the RFC at the largest power of two.
    """
    if not leaves:
        return sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        paired = [
            sha256(NODE + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]
