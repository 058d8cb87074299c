"""Moving sealed values to the present data key, whoever keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from authplane.core.config import config


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many values were sealed anew, and how many cannot be opened with any configured key.

    `discarded` are those among the latter that were given up, as was asked for.
    """

    resealed: int = 0
    unreadable: int = 0
    discarded: int = 0

    def __add__(self, other: Rewrapped) -> Rewrapped:
        return Rewrapped(
            self.resealed + other.resealed,
            self.unreadable + other.unreadable,
            self.discarded + other.discarded,
        )


class Keeper(Protocol):
    """Moves the values of one app. With ``discard``, those that cannot be opened are given up."""

    def __call__(self, *, discard: bool = False) -> Rewrapped:
        """What was done."""


_keepers: dict[str, Keeper] = {}


def register(name: str, rewrap: Keeper) -> None:
    """The values of this keeper move with the others from now on."""
    _keepers[name] = rewrap


def rewrap_registered(*, discard: bool = False) -> Rewrapped:
    """Every sealed value of every keeper that an older key sealed is sealed with the present one.

    With ``discard``, what no key opens is given up: it is of no use to anybody any more.

    May be stopped and begun again at any time, and run beside itself and beside everything else.
    """
    return sum((rewrap(discard=discard) for rewrap in _keepers.values()), Rewrapped())


def rewrap_while_needed() -> dict[str, Any]:
    """The same in the background, while an old data key is configured; nothing without one."""
    if not config().secrets.data_old:
        return {"resealed": 0, "unreadable": 0}
    done = rewrap_registered()
    return {"resealed": done.resealed, "unreadable": done.unreadable}
