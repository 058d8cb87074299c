"""Read the levels of sign-in: names that clients may ask for, each with the methods it takes."""

from __future__ import annotations

import re
from typing import Any, Final

from authplane.core.env import BadValue, text_list

# Names travel in a list separated by spaces, methods in one separated by plus signs.
_LEVEL: Final = re.compile(r"[!#-<>-\[\]-~]{1,255}=[a-z0-9_.-]+(\+[a-z0-9_.-]+)*")


def sign_in_levels(value: Any) -> tuple[str, ...]:
    """Texts of the form `name=method+method`, weakest first.

    Raises: BadValue when one has another form or a name comes twice.
    """
    levels = text_list(value)
    if not all(_LEVEL.fullmatch(level) for level in levels):
        raise BadValue("must be name=method, or name=method+method, separated by commas")
    names = [level.rpartition("=")[0] for level in levels]
    if len(set(names)) != len(names):
        raise BadValue("names a level twice")
    return levels
