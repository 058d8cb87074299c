"""Why an account cannot be made or changed, as callers may tell it."""

from __future__ import annotations


class AccountError(Exception):
    """A refused change of an account. The text is constant and may be shown."""


class EmailTaken(AccountError):
    """Another account has this e-mail address, in whatever case."""

    def __init__(self) -> None:
        super().__init__("user with this email already exists")


class BadEmail(AccountError):
    """The e-mail address is malformed."""

    def __init__(self) -> None:
        super().__init__("email is not a valid address")


class BadName(AccountError):
    """The name is too long or holds control characters."""

    def __init__(self) -> None:
        super().__init__("name must have at most 255 printable characters")


class WeakPassword(AccountError):
    """The password breaks the rules; ``problems`` says which, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class WrongState(AccountError):
    """The account is already in the state asked for."""

    def __init__(self, *, present: str, wanted: str) -> None:
        super().__init__(f"invalid user state transition from {present} to {wanted}")
        self.present = present
        self.wanted = wanted


class LastOwner(AccountError):
    """Nobody would be left who may appoint others."""

    def __init__(self) -> None:
        super().__init__("the last owner stays one: appoint another owner first")
