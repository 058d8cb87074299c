"""How a person signed in, how strong that counts, and whether it is what a client asks for.

A level (`acr`) is reached by a sign-in whose methods (`amr`) include all of the level's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from authplane.core.config import config
from oauth import ports
from oauth.errors import OAuthError, Reason
from oauth.sessions.return_to import Ticket
from oauth.sessions.services import SignedIn

PASSWORD: Final = "pwd"  # noqa: S105 - the method's name in RFC 8176 section 2
AVAILABLE: Final = frozenset({PASSWORD})
"""The methods that the sign-in page can ask for."""


@dataclass(frozen=True, slots=True)
class Level:
    """A name that clients ask for, and the methods it takes together."""

    name: str
    methods: frozenset[str]


def offered_levels() -> tuple[Level, ...]:
    """The configured levels that a sign-in here can reach, weakest first.

    What an identity provider asks for is its own affair: with one, every level may be reached.
    """
    known = (_level(written) for written in config().oauth.acr_values)
    anywhere = bool(ports.sign_in_elsewhere().offers())
    return tuple(level for level in known if anywhere or level.methods <= AVAILABLE)


def reached_level(
    methods: Iterable[str], *, requested: tuple[str, ...] = (), vouched: str = ""
) -> str:
    """The level that the token names: the first requested one that was reached, or the highest.

    `vouched` is a level that an identity provider says was reached; one of ours counts as such.

    "" when the sign-in reaches none. A level that was configured for methods of another sign-in
    page counts as well, because methods say what was done and not where.

    Spec: OpenID Connect Core 1.0 section 3.1.2.1 (`acr_values` in order of preference).
    """
    reached = _reached(methods, vouched=vouched)
    wanted = [name for name in requested if name in reached]
    return (wanted or reached[::-1] or [""])[0]


def needs_another_sign_in(
    session: SignedIn | None, *, requested: tuple[str, ...], ticket: Ticket | None
) -> bool:
    """The person has not signed in as the request demands, and doing so now can change that.

    Spec: RFC 9470 section 5; OpenID Connect Core Unmet Authentication Requirements 1.0 section 3.
    Raises: OAuthError `unmet_authentication_requirements` when no sign-in here is of that kind, or
    the one just made for this very request was not.
    """
    if not requested:
        return False
    if session is not None and not set(requested).isdisjoint(
        _reached(session.methods, vouched=session.level)
    ):
        return False
    if set(requested).isdisjoint(level.name for level in offered_levels()):
        raise OAuthError(Reason.SIGN_IN_LEVEL_UNMET)
    if session is not None and ticket is not None and session.auth_time >= ticket.issued_at:
        raise OAuthError(Reason.SIGN_IN_LEVEL_UNMET)
    return True


def _reached(methods: Iterable[str], *, vouched: str) -> list[str]:
    used = frozenset(methods)
    levels = (_level(written) for written in config().oauth.acr_values)
    return [level.name for level in levels if level.methods <= used or level.name == vouched]


def _level(written: str) -> Level:
    name, _, methods = written.rpartition("=")
    return Level(name, frozenset(methods.split("+")))
