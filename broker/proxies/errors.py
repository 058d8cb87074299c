"""What can be wrong with what an operator writes about proxies."""

from __future__ import annotations

from collections.abc import Iterable

from oauth.resources.errors import Problem

__all__ = ["BadProxy", "NoSuchProxy", "PassthroughRefused", "Problem", "ProxyConflict"]


class BadProxy(Exception):
    """The proxy was not stored. Every problem is told at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class PassthroughRefused(BadProxy):
    """Mode `upstream` for a target that is no registered resource: nobody checks its audience."""


class NoSuchProxy(Exception):
    """No proxy has this id or slug."""


class ProxyConflict(Exception):
    """Another proxy or resource has this name, or somebody changed this proxy first."""
