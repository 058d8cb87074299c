"""Why something cannot be done with a server."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from oauth.resources.errors import Problem


class BadServer(Exception):
    """The server was not stored. Every problem is told at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class NoSuchServer(Exception):
    """No server, profile or user has this id."""


class ForeignServer(Exception):
    """The server is somebody else's. It has been recorded that it was asked for."""


class ServerConflict(Exception):
    """The profile has this server already: `existing`."""

    def __init__(self, existing: uuid.UUID) -> None:
        super().__init__("the profile has a server with this url already")
        self.existing = existing


class TooManyServers(Exception):
    """The user has as many servers as one may have."""


class ServerBusy(Exception):
    """The server is being connected at this very moment; worth another try."""
