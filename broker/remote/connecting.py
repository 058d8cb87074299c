"""Connect an account at a remote MCP server: off to its authorization server, and back."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from authplane.accounts.models import User
from authplane.core.crypto import CryptoError
from broker.connect import state
from broker.connect.exchange import MAX_CODE
from broker.connect.return_urls import base_url
from broker.connect.senders import ISS_PROMISED, is_from
from broker.connect.state import Claimed
from broker.connections.services import store_credential
from broker.errors import BadProvider, SecretUnavailable
from broker.models import Connection, ConnectState, UpstreamConfig, UpstreamServer
from broker.providers.selectors import provider_of_server
from broker.providers.settings import McpSettings
from broker.remote.configuration import configured
from broker.remote.errors import NO_CLIENT, DiscoveryFailed
from broker.remote.mending import note_refusal
from broker.remote.targets import SERVER_CALLBACK
from broker.upstream.base import UpstreamError
from broker.upstream.registry import OAuthAdapter, adapter_for_server

CALLBACK: Final = SERVER_CALLBACK

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

log = logging.getLogger(__name__)


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
    found = configured(server, now=now)
    adapter = _adapter(found)
    scopes = _scopes(found)
    callback = callback_url()
    begun = state.begin(
        kind=ConnectState.Kind.SERVER,
        redirect_uri=callback,
        upstream_client_id=found.client_id,
        issuer=found.issuer,
        user=user,
        server=server,
        return_url=return_url,
        scopes=scopes,
        context={ISS_PROMISED: found.tells_issuer},
        browser_mark=browser_mark,
        now=now,
    )
    url = adapter.authorize_url(
        redirect_uri=callback, state=begun.state, challenge=begun.challenge, scopes=scopes
    )
    return Started(authorization_url=url, state=begun.state, expires_at=begun.expires_at)


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
    row = claimed.row
    outcome = _refusal(row, code=code, unverified_issuer=unverified_issuer, error=error)
    connection = None
    if not outcome:
        outcome, connection = _exchanged(claimed, code=code, now=now)
    state.conclude(row, outcome=outcome, succeeded=connection is not None)
    return Finished(outcome=outcome, connection=connection)


def _refusal(row: ConnectState, *, code: str, unverified_issuer: str, error: str) -> str:
    """What speaks against the answer itself; empty when nothing does.

    Spec: RFC 9207 section 2.4: an error of an answer from elsewhere is not looked at either.
    """
    if not is_from(row, unverified_issuer=unverified_issuer):
        return WRONG_ISSUER
    if error:
        return ACCESS_DENIED if error == ACCESS_DENIED else UPSTREAM_ERROR
    return MISSING_CODE if not code or len(code) > MAX_CODE else ""


def _exchanged(claimed: Claimed, *, code: str, now: datetime) -> tuple[str, Connection | None]:
    """The outcome, and the stored connection when there is one."""
    row = claimed.row
    found = UpstreamConfig.objects.filter(pk=row.server_id).first()
    if found is None or (found.client_id, found.issuer) != (row.client_id, row.issuer):
        return CHANGED, None
    try:
        return CONNECTED, _exchange(claimed, found, code=code, now=now)
    except UpstreamError as failed:
        log.warning("code was not exchanged", extra={"why": f"{type(failed).__name__}: {failed}"})
        note_refusal(found, failed)
        return NOT_EXCHANGED, None
    except CryptoError:
        return NO_KEY, None
    except (BadProvider, SecretUnavailable) as broken:
        why = f"{type(broken).__name__}: {broken}"
        log.error("server cannot be connected", extra={"why": why})  # noqa: TRY400 - as it says
        return CHANGED, None


def _exchange(claimed: Claimed, found: UpstreamConfig, *, code: str, now: datetime) -> Connection:
    """The stored connection. Raises: UpstreamError, CryptoError, BadProvider, SecretUnavailable."""
    row = claimed.row
    assert row.user_id is not None  # noqa: S101 - hops of this kind are always a user's
    answer = adapter_for_server(found).exchange_code(
        code, verifier=claimed.verifier, redirect_uri=row.redirect_uri
    )
    return store_credential(
        user_id=row.user_id, server_id=row.server_id, answer=answer, requested=row.scopes, now=now
    )


def _adapter(found: UpstreamConfig) -> OAuthAdapter:
    """How the authorization server is spoken with. Raises: DiscoveryFailed, CryptoError."""
    try:
        return adapter_for_server(found)
    except (BadProvider, SecretUnavailable) as broken:
        raise DiscoveryFailed(NO_CLIENT, type(broken).__name__) from broken


def _scopes(found: UpstreamConfig) -> tuple[str, ...]:
    """What the administrator wants for this server, else what it says it needs."""
    provider = provider_of_server(found.url)
    settings = provider.settings if provider else None
    chosen = settings.scopes if isinstance(settings, McpSettings) else ()
    return chosen or tuple(found.scopes)
