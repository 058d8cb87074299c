"""What can be wrong with what an operator writes about keys and groups."""

from __future__ import annotations

from collections.abc import Iterable

from broker.errors import Problem

__all__ = ["BadEntry", "EntryConflict", "NoSuchEntry", "Problem"]


class BadEntry(Exception):
    """The key or group was not stored. Every problem is told at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class NoSuchEntry(Exception):
    """No key or group has this id or name."""


class EntryConflict(Exception):
    """Another group has this name, or something still needs this one; the text says what."""
