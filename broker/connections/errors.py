"""What can be wrong with a connection that an operator makes."""

from __future__ import annotations

from collections.abc import Iterable

from oauth.resources.errors import Problem


class BadConnection(Exception):
    """The connection was not made. Every problem is told at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class ConnectionConflict(Exception):
    """The user is connected to the provider already."""


class NoSuchConnection(Exception):
    """No connection has this id."""
