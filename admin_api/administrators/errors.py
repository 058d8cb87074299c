"""What can be wrong with what an owner writes about keys and staff."""

from __future__ import annotations


class AdministratorError(Exception):
    """A refused change. The text is constant but for names that were checked."""


class BadEntry(AdministratorError):
    """The members are not acceptable; every problem is told at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))


class NoSuchKey(AdministratorError):
    """No key has this id or name."""

    def __init__(self) -> None:
        super().__init__("administrator key not found")


class NoSuchStaff(AdministratorError):
    """The user is no staff, or nobody."""

    def __init__(self) -> None:
        super().__init__("staff user not found")


class NameTaken(AdministratorError):
    """Another key has, or once had, this name."""

    def __init__(self) -> None:
        super().__init__("another administrator key has this name, or had it")


class BeyondReach(AdministratorError):
    """Whoever calls would give away more than it has."""
