"""Pushed authorization requests (RFC 9126): kept for a minute, claimed by one browser, used once.

The reference travels through a browser, so it may end up in a history, a log or somebody else's
hands. From its first arrival on it is therefore worth nothing without the browser that brought it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from authplane.core.config import config
from authplane.core.hashing import constant_time_equals, new_secret, sha256_hex
from oauth.authorize.parameters import Parameters
from oauth.models import Client, PushedRequest

PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
LIFETIME: Final = 60
"""Seconds in which a browser has to arrive (RFC 9126 section 2.2: between 5 and 600)."""

MAX_STORED: Final = 16 * 1024
"""Characters of a pushed request: anybody can push for a public client, and each is a row."""

_REFERENCE_LENGTH: Final = 43
_OWN_NAME: Final = "request_uri"


@dataclass(frozen=True, slots=True)
class PushedOnce:
    """A pushed request that this browser has claimed, and when."""

    row: PushedRequest
    parameters: Parameters
    claimed_at: datetime


def is_reference(request_uri: str) -> bool:
    """It names a pushed request, and not an address somewhere in the world."""
    return request_uri.startswith(PREFIX)


def keep(client: Client, *, parameters: Mapping[str, tuple[str, ...]], now: datetime) -> str:
    """The `request_uri` under which these validated parameters wait; only its hash is stored.

    Spec: RFC 9126 section 2.2 (the reference MUST NOT be guessable and is bound to the client).
    """
    secret = new_secret(32)
    PushedRequest.objects.create(
        reference=sha256_hex(secret),
        client=client,
        parameters={name: list(values) for name, values in parameters.items()},
        created_at=now,
        expires_at=now + timedelta(seconds=LIFETIME),
    )
    return f"{PREFIX}{secret}"


def claim(request_uri: str, *, client: Client, browser: str, now: datetime) -> PushedOnce | None:
    """The request, which belongs to the browser with this mark from now on.

    None when it is unknown, another client's, too old, spent, or another browser's: all look
    alike. One conditional update decides between browsers that arrive at once. A claimed request
    waits for as long as sign-in and consent may take together.

    Spec: RFC 9126 section 4 (SHOULD treat request_uri values as one-time use; MUST reject expired).
    """
    row = _find(request_uri, client=client, now=now)
    if row is None:
        return None
    holder = sha256_hex(browser)
    if row.claimed_at is None:
        # The browser alone does not make the reference worth anything to a reader of the database.
        parameters = {**row.parameters, _OWN_NAME: [request_uri]}
        PushedRequest.objects.filter(
            id=row.id, claimed_at=None, spent_at=None, expires_at__gt=now
        ).update(
            claimed_at=now,
            claimed_by=holder,
            expires_at=now + timedelta(seconds=config().tokens.sign_in_ttl),
            parameters=parameters,
        )
        row = _find(request_uri, client=client, now=now)
    if row is None or row.claimed_at is None or not constant_time_equals(row.claimed_by, holder):
        return None
    return PushedOnce(row, parameters_of(row), row.claimed_at)


def spend(pushed: uuid.UUID, *, now: datetime) -> bool:
    """The request is used up by this caller and no other; undone when the transaction fails.

    `pushed` is its row's id.
    """
    spent = PushedRequest.objects.filter(id=pushed, spent_at=None).update(spent_at=now)
    return spent == 1


def peek(request_uri: str, *, now: datetime) -> Parameters | None:
    """The parameters of a request that waits, without any claim: for pages on the way to it."""
    row = _find(request_uri, client=None, now=now)
    return parameters_of(row) if row is not None else None


def reference_of(pushed: uuid.UUID) -> str:
    """The `request_uri` of a claimed request by its row's id, for the browser that holds it."""
    row = PushedRequest.objects.filter(id=pushed).first()
    return str(row.parameters.get(_OWN_NAME, [""])[0]) if row is not None else ""


def parameters_of(row: PushedRequest) -> Parameters:
    """The parameters as they were pushed."""
    values = {name: tuple(given) for name, given in row.parameters.items() if name != _OWN_NAME}
    return Parameters(values, frozenset(), frozenset())


def _find(request_uri: str, *, client: Client | None, now: datetime) -> PushedRequest | None:
    secret = request_uri.removeprefix(PREFIX)
    if len(secret) != _REFERENCE_LENGTH or not secret.isascii():
        return None
    rows = PushedRequest.objects.filter(
        reference=sha256_hex(secret), spent_at=None, expires_at__gt=now
    )
    return (rows.filter(client=client) if client is not None else rows).first()
