"""Where the user goes after signing in: local paths, and signed ones for authorization requests.

A signed target is an authorization request's own path and query plus a ticket. The ticket says
that this server validated exactly this request and when, so an anonymous request needs no row:
the sign-in page may name the client's origin in its form policy, a sign-in that was demanded is
known to have happened after the demand, and a page left open overnight leads nowhere.
"""

from dataclasses import dataclass
from typing import Final

from authplane.core import clock
from authplane.core.config import config
from oauth.authorize.incoming import peek
from oauth.authorize.parameters import read_parameters
from oauth.authorize.protocol import ASK_WHO, max_age, prompts, sign_in_levels
from oauth.errors import OAuthError
from oauth.sessions.marks import is_marked, mark

TICKET_PARAMETER: Final = "sign_in_ticket"
FALLBACK: Final = "/"
_PURPOSE: Final = "return-target"
_MAX_TARGET: Final = 10_000
_MAX_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Ticket:
    """The authorization request was valid at `issued_at` (epoch seconds) and waited for sign-in."""

    issued_at: int

    def is_expired(self, *, now: int) -> bool:
        """Signing in took longer than sign-in and consent together may take.

        A ticket may come from a replica whose clock runs ahead.
        """
        tokens = config().tokens
        return not -tokens.clock_skew <= now - self.issued_at <= tokens.sign_in_ttl


@dataclass(frozen=True, slots=True)
class Waiting:
    """What signing in needs to know about the request that waits behind it.

    `again` asks for a proof made now, `max_age` (seconds) for one that is not older, and `levels`
    for one of a kind.
    """

    redirect_uri: str = ""
    login_hint: str = ""
    again: bool = False
    max_age: int | None = None
    levels: tuple[str, ...] = ()


def local_path(target: str) -> str:
    """`target` when it is a path on this server, else "/".

    Browsers read two slashes, or a slash and a backslash, as the start of a host, and drop
    tabs and line breaks before they look; a `://` that is not percent-encoded has no business in
    a path of ours.
    """
    unsafe = (
        not target.startswith("/")
        or target.startswith(("//", "/\\"))
        or "://" in target
        or len(target) > _MAX_TARGET
        or any(character <= " " or character == "\x7f" for character in target)
    )
    return FALLBACK if unsafe else target


def sign(target: str) -> str:
    """`target`, a local path with a query, with a ticket as of now in place of an older one."""
    bare = _without_ticket(target)
    issued_at = clock.epoch()
    proof = mark(f"{issued_at} {bare}", purpose=_PURPOSE, key=config().secrets.integrity)
    return f"{bare}{'&' if '?' in bare else '?'}{TICKET_PARAMETER}={issued_at}.{proof}"


def ticket_of(target: str) -> Ticket | None:
    """The ticket of a signed target; None when there is none or it belongs to another target.

    Expiry is the caller's question: an expired ticket is still a true one.
    """
    bare = _without_ticket(target)
    written = target[len(bare) + 1 :].removeprefix(f"{TICKET_PARAMETER}=")
    issued_at, _, proof = written.partition(".")
    if not (issued_at.isascii() and issued_at.isdigit() and len(issued_at) <= _MAX_DIGITS):
        return None
    secrets = config().secrets
    genuine = is_marked(
        f"{int(issued_at)} {bare}",
        presented=proof,
        purpose=_PURPOSE,
        keys=(secrets.integrity, secrets.integrity_old),
    )
    return Ticket(int(issued_at)) if genuine else None


def waiting_request(target: str) -> Waiting | None:
    """What a signed target says about the waiting request; None when the ticket is not ours.

    Only a genuine ticket makes the redirect URI in it a verified one.
    """
    if ticket_of(target) is None:
        return None
    parameters = peek(read_parameters(target.partition("?")[2]), now=clock.now())
    try:
        return Waiting(
            parameters.get("redirect_uri"),
            parameters.get("login_hint"),
            again=bool(prompts(parameters) & ASK_WHO),
            max_age=max_age(parameters),
            levels=sign_in_levels(parameters),
        )
    except OAuthError:
        # It was well-formed when its ticket was made; the request itself will be refused.
        return Waiting()


def _without_ticket(target: str) -> str:
    """The target up to its last parameter, when that is a ticket: we always append it last."""
    head, separator, last = target.rpartition("&" if "&" in target else "?")
    return head if separator and last.startswith(f"{TICKET_PARAMETER}=") else target
