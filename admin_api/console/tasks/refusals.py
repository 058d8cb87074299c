"""What services refuse, as sentences for the person who asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from admin_api.administrators.errors import AdministratorError
from authplane.accounts.errors import AccountError
from broker.connections import errors as connections
from broker.keys import errors as keys
from oauth.account.administration import UserInUse
from oauth.clients.errors import ClientError, ClientInUse
from oauth.consent.revocation import ConsentUnknown
from oauth.federation.errors import EntryError
from oauth.keys.record import KeyUnavailable
from oauth.registration.approval import AlreadyDecided, NoSuchApproval, NotTheSameTwice
from oauth.registration.schema import BadMetadata
from oauth.resources.errors import ResourceError
from oauth.tokens.administration import NotRevocable, TokenUnknown

REFUSALS: Final = (
    AccountError, AdministratorError, AlreadyDecided, BadMetadata, ClientError, ConsentUnknown,
    EntryError, KeyUnavailable, NoSuchApproval, NotRevocable, NotTheSameTwice, ResourceError,
    TokenUnknown, UserInUse, connections.BadConnection, connections.ConnectionConflict,
    connections.NoSuchConnection, keys.BadEntry, keys.EntryConflict, keys.NoSuchEntry,
)  # fmt: skip
"""Whatever a service may refuse. Each leaves everything as it was, and its text may be shown."""


_IN_THE_CONSOLE: Final[dict[type[Exception], str]] = {
    ClientInUse: "The client holds tokens that still count. Tick the box to end them as well.",
    UserInUse: "Tokens of the user still count. Tick the box to end them as well.",
}
"""Where the service speaks of parameters that nobody sees here."""


def sentences(refusal: Exception) -> list[str]:
    """Every problem as a line of its own, beginning with a capital."""
    if own := _IN_THE_CONSOLE.get(type(refusal)):
        return [own]
    problems: Iterable[object] = getattr(refusal, "problems", None) or (refusal,)
    if isinstance(refusal, BadMetadata):
        problems = [problem.text for problem in refusal.problems]
    texts = map(str, problems)
    return [text[:1].upper() + text[1:] for text in texts if text]
