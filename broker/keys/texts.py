"""Reading the members that keys and groups have in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from broker.keys.errors import Problem
from broker.providers.configuration import shown

MAX_TEXT: Final = 255


def stranger_problems(
    body: Mapping[str, Any], *, known: Collection[str], noun: str, at: str = ""
) -> list[Problem]:
    """One problem for each member that nobody reads."""
    before = f"{at}." if at else ""
    return [
        Problem(shown(before, str(name)), f"is not a member of {noun}")
        for name in sorted(set(body) - set(known), key=str)
    ]


def one_line(value: Any, *, at: str, problems: list[Problem], may_be_empty: bool = False) -> str:
    """The text of one line; empty, with a problem, when it is none."""
    low = 0 if may_be_empty else 1
    if (
        isinstance(value, str)
        and low <= len(value.strip())
        and len(value) <= MAX_TEXT
        and (not value or value.isprintable())
    ):
        return value
    problems.append(Problem(at, f"must be a text of {low} to {MAX_TEXT} characters"))
    return ""
