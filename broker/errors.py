"""What can be wrong with what an operator writes about upstream services."""

from __future__ import annotations

from collections.abc import Iterable

from oauth.resources.errors import Problem

__all__ = [
    "BadProvider",
    "NoSuchProvider",
    "Problem",
    "ProviderConflict",
    "ProviderInUse",
    "SecretUnavailable",
]


class BadProvider(Exception):
    """The provider was not stored. Every problem is told at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class NoSuchProvider(Exception):
    """No provider has this id or slug."""


class ProviderConflict(Exception):
    """Another provider has this slug, or somebody changed this one first."""


class ProviderInUse(Exception):
    """Something refers to the provider; the text says what."""


class SecretUnavailable(Exception):
    """The provider's secret cannot be read; the text names where it should have been, not it."""
