"""Observe how long calls take."""

from __future__ import annotations

from functools import wraps
from time import perf_counter
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def timed(observe: Callable[[float], object]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Each call's seconds are given to ``observe``, whether it returned or raised.

    The metrics library has the like, and builds its timer anew for every call.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            begun = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                observe(perf_counter() - begun)

        return call

    return decorate
