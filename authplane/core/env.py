"""Readers: one value as text, from the environment or a file, into a typed value or a problem."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


class BadValue(ValueError):
    """A value that cannot be read; the text says what would be accepted."""


def text(value: Any) -> str:
    """A string, without the white space around it."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise BadValue("must be text")
    return str(value).strip()


def secret(value: Any) -> str:
    """A string kept as it is, but for the line end that editors add to files."""
    if not isinstance(value, str):
        raise BadValue("must be text in quotation marks")
    return value.rstrip("\r\n")


def boolean(value: Any) -> bool:
    """True or false; anything else is refused, because a typo must not switch protection off."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise BadValue("must be true or false")


def integer(value: Any) -> int:
    """A whole number."""
    if isinstance(value, bool):
        raise BadValue("must be a whole number")
    try:
        return int(str(value).strip(), 10)
    except ValueError:
        raise BadValue("must be a whole number") from None


def duration(value: Any) -> int:
    """Whole seconds from Go notation (``1h30m``, ``90s``), from days (``30d``) or a bare number."""
    word = str(value).strip().lower()
    if word.isdecimal():
        return int(word)
    parts = DURATION_PART.findall(word)
    if isinstance(value, bool) or not parts or "".join(n + u for n, u in parts) != word:
        raise BadValue("must be a duration such as 90s, 15m or 1h30m")
    total = sum(float(number) * SECONDS[unit] for number, unit in parts)
    if total != int(total):
        raise BadValue("must be whole seconds")
    return int(total)


def text_list(value: Any) -> tuple[str, ...]:
    """Texts separated by commas, or a list in YAML; empty members are dropped."""
    if isinstance(value, list | tuple):
        members = [text(member) for member in value]
    else:
        members = [member.strip() for member in text(value).split(",")]
    return tuple(member for member in members if member)


def rows(value: Any) -> tuple[dict[str, Any], ...]:
    """A YAML list of mappings; it has no spelling in the environment."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise BadValue("must be a list of mappings")
    return tuple(value)


def from_environment(name: str, environment: Mapping[str, str], *, may_be_file: bool) -> str | None:
    """The text of one variable, or of the file that ``<name>_FILE`` points to; None when unset.

    An empty variable counts as unset, which is what compose files produce for a missing value.

    Raises: BadValue when both are set or the file cannot be read.
    """
    direct = environment.get(name) or None
    path = environment.get(f"{name}_FILE") if may_be_file else None
    if not path:
        return direct
    if direct is not None:
        raise BadValue(f"and {name}_FILE are both set; keep one")
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadValue(f"cannot be read from the file that {name}_FILE names: {path}") from None
