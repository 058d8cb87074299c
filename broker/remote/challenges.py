"""Read `WWW-Authenticate`. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a Bearer challenge says; all empty without one."""

    resource_metadata: str = ""
    scopes: tuple[str, ...] = ()


def read_challenge(header: str) -> Challenge:
    """The Bearer challenge of a header; an empty one where there is none that can be read."""
    raise NotImplementedError
