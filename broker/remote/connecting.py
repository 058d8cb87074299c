"""Connect an account at a remote MCP server: off to its authorization server, and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from authplane.accounts.models import User
from broker.connect.return_urls import base_url
from broker.connect.state import Claimed
from broker.models import Connection, UpstreamServer

CALLBACK: Final = "/api/oauth/callback"

CONNECTED: Final = "connected"
ACCESS_DENIED: Final = "access_denied"
WRONG_ISSUER: Final = "wrong_issuer"
UPSTREAM_ERROR: Final = "upstream_error"
MISSING_CODE: Final = "missing_code"
CHANGED: Final = "changed_server"
NOT_EXCHANGED: Final = "code_exchange_failed"
NO_KEY: Final = "no_data_key"
OUTCOMES: Final = frozenset({
    CONNECTED, ACCESS_DENIED, WRONG_ISSUER, UPSTREAM_ERROR, MISSING_CODE, CHANGED, NOT_EXCHANGED,
    NO_KEY,
})  # fmt: skip
"""Everything that `finish` can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Where the browser goes, and until when it may come back with this `state`."""

    authorization_url: str = field(repr=False)
    state: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a hop came to. `connection` is there when `outcome` is `connected`."""

    outcome: str
    connection: Connection | None = None


def callback_url() -> str:
    """Where authorization servers of remote MCP servers send browsers back to."""
    return f"{base_url()}{CALLBACK}"


def start(
    server: UpstreamServer, *, user: User, return_url: str, browser_mark: str, now: datetime
) -> Started:
    """A hop to the authorization server of the server, which the user has five minutes for.

    Whether the server is the user's is the caller's to check.

    Raises: DiscoveryFailed; CryptoError when no data key is configured.
    """
    raise NotImplementedError


def finish(
    claimed: Claimed,
    *,
    now: datetime,
    code: str = "",
    unverified_issuer: str = "",
    error: str = "",
) -> Finished:
    """What the answer to a claimed hop comes to; the hop's tombstone says it as well.

    ``unverified_issuer`` is `iss` of the answer, ``error`` its error code. Nothing the service
    sent is in what is returned.
    """
    raise NotImplementedError
