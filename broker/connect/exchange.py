"""From the code of an answer to the user's connection, for every hop to a provider."""

from __future__ import annotations

import logging
from typing import Final

from authplane.core import clock
from authplane.core.crypto import CryptoError
from authplane.core.metrics import counter
from broker.connect.state import Claimed
from broker.connections.services import store_credential
from broker.errors import BadProvider, SecretUnavailable
from broker.models import Connection
from broker.providers.selectors import Provider
from broker.upstream.base import UpstreamError
from broker.upstream.registry import OAuthAdapter, adapter_for

MAX_CODE: Final = 4096
NO_CODE: Final = "no_code"
CHANGED: Final = "changed_provider"
NOT_EXCHANGED: Final = "code_exchange_failed"
NO_KEY: Final = "no_data_key"
BROKEN: Final = "broken_provider"

log = logging.getLogger(__name__)


class NotConnected(Exception):
    """The code came to nothing; `outcome` is one of the constants of this module."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def connect_with(code: str, *, claimed: Claimed, provider: Provider) -> Connection:
    """The connection of the hop's user holds what the service gave for the code.

    Not to be called inside of a transaction. Nothing the service sent is in what is raised or
    logged.

    Raises: NotConnected.
    """
    if not code or len(code) > MAX_CODE:
        raise NotConnected(NO_CODE)
    try:
        connection = _connection(code, claimed=claimed, provider=provider)
    except UpstreamError as failed:
        raise _logged(failed, provider, outcome=NOT_EXCHANGED) from None
    except CryptoError as failed:
        raise _logged(failed, provider, outcome=NO_KEY) from None
    except (BadProvider, SecretUnavailable) as broken:
        raise _logged(broken, provider, outcome=BROKEN) from None
    counter("authserver_connection_connect_total").labels(provider.slug).inc()
    return connection


def _connection(code: str, *, claimed: Claimed, provider: Provider) -> Connection:
    row = claimed.row
    assert row.user_id is not None  # noqa: S101 - only hops of users connect anything
    adapter = adapter_for(provider)
    if not isinstance(adapter, OAuthAdapter):
        raise NotConnected(CHANGED)
    begun_with = (row.client_id, row.issuer)
    if begun_with != (adapter.settings.client_id, adapter.settings.issuer):
        # The code is for the client, and of the issuer, that the browser was sent off with.
        raise NotConnected(CHANGED)
    asked_at = clock.now()
    answer = adapter.exchange_code(code, verifier=claimed.verifier, redirect_uri=row.redirect_uri)
    return store_credential(
        user_id=row.user_id,
        provider_id=provider.id,
        answer=answer,
        requested=row.scopes,
        now=asked_at,
    )


def _logged(failed: Exception, provider: Provider, *, outcome: str) -> NotConnected:
    log.warning(
        "account was not connected",
        extra={"provider": provider.slug, "why": f"{type(failed).__name__}: {failed}"},
    )
    return NotConnected(outcome)
