"""Why a trusted party cannot be registered or changed, as operators may be told it."""

from __future__ import annotations

from oauth.resources.errors import Problem

__all__ = ["BadEntry", "EntryConflict", "EntryError", "IssuerAway", "NoSuchEntry", "Problem"]


class EntryError(Exception):
    """A refused change; nothing was changed. The text may be shown."""


class BadEntry(EntryError):
    """The body is not acceptable; ``problems`` lists everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class EntryConflict(EntryError):
    """Another entry has the name."""


class NoSuchEntry(EntryError):
    """There is no such entry."""


class IssuerAway(EntryError):
    """The issuer cannot be asked at present, or what it answers is of no use."""
