"""Moving sealed values to the present data key, whoever keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authplane.core.config import config

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many values were sealed anew, and how many cannot be opened with any configured key."""

    resealed: int = 0
    unreadable: int = 0

    def __add__(self, other: Rewrapped) -> Rewrapped:
        return Rewrapped(self.resealed + other.resealed, self.unreadable + other.unreadable)


_keepers: dict[str, Callable[[], Rewrapped]] = {}


def register(name: str, rewrap: Callable[[], Rewrapped]) -> None:
    """The values of this keeper move with the others from now on."""
    _keepers[name] = rewrap


def rewrap_registered() -> Rewrapped:
    """Every sealed value of every keeper that an older key sealed is sealed with the present one.

    May be stopped and begun again at any time, and run beside itself and beside everything else.
    """
    return sum((rewrap() for rewrap in _keepers.values()), Rewrapped())


def rewrap_while_needed() -> dict[str, Any]:
    """The same in the background, while an old data key is configured; nothing without one."""
    if not config().secrets.data_old:
        return {"resealed": 0, "unreadable": 0}
    done = rewrap_registered()
    return {"resealed": done.resealed, "unreadable": done.unreadable}
