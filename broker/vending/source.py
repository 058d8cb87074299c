"""Where exchanges for brokered resources get their tokens: the connections of users."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from audit import events, record
from authplane.core import clock
from authplane.core.config import config
from authplane.core.crypto import CryptoError
from authplane.core.metrics import counter, histogram
from broker.connections.selectors import connection_to_provider
from broker.errors import BadProvider, SecretUnavailable
from broker.models import Connection
from broker.providers.private_keys import BadKey
from broker.providers.selectors import Provider, provider_by_id
from broker.refresh.engine import ensure_fresh
from broker.refresh.outcomes import AccessToken, ReconnectNeeded, UpstreamAway
from broker.upstream.base import UpstreamDown
from oauth.ports import (
    UpstreamConsentNeeded,
    UpstreamRequest,
    UpstreamToken,
    UpstreamUnavailable,
    UpstreamUnknown,
)
from oauth.resources.selectors import find_resource

MISSING: Final = "consent_missing"
INSUFFICIENT: Final = "scope_insufficient"
API_KEY: Final = "api_key"
NOTE_EVERY: Final = timedelta(minutes=1)
MENDING: Final = 60
"""Seconds after which a client may ask again about what an operator has to mend."""

log = logging.getLogger(__name__)


class BrokerTokenSource:
    """Tokens out of the vault: the port that exchanges of `oauth` end at."""

    def obtain(self, wish: UpstreamRequest) -> UpstreamToken:
        """A token of the user's, good for all that was wished for.

        Every check that needs no upstream call comes first.

        Raises: UpstreamConsentNeeded, UpstreamUnavailable, UpstreamUnknown.
        """
        started = time.perf_counter()
        provider, upstream = _way(wish)
        connection = connection_to_provider(user_id=wish.user_id, provider_id=provider.id)
        usable = (Connection.Status.ACTIVE, Connection.Status.REFRESHING)
        if connection is None or connection.status not in usable:
            raise _consent(MISSING, provider=provider, wish=wish)
        # A pasted key can do whatever it can: there are no scopes to hold it against.
        needed = () if provider.protocol == API_KEY else upstream
        _require_granted(needed, connection.scopes_granted, provider=provider, wish=wish)
        token = _fresh(connection, scopes=needed, provider=provider, wish=wish)
        if needed:
            # The service may have taken scopes back since.
            _require_granted(needed, token.scopes, provider=provider, wish=wish)
        _note_use(connection, wish=wish)
        counter("authserver_upstream_token_issued_total").labels(
            provider.slug, wish.resource_slug
        ).inc()
        histogram("authserver_upstream_token_issuance_duration_seconds").labels(
            provider.slug
        ).observe(time.perf_counter() - started)
        return UpstreamToken(
            access_token=token.value,
            lifetime=_seconds_left(token),
            provider=provider.slug,
            evidence=_evidence(needed, provider=provider, wish=wish),
        )


def connect_url(provider_slug: str, *, resource_slug: str) -> str:
    """Where the user connects an account of the provider; the resource says which scopes."""
    issuer = config().server.issuer
    query = urlencode({"resource": resource_slug, "return_url": f"{issuer}/connections"})
    return f"{issuer}/connect/{provider_slug}?{query}"


def _way(wish: UpstreamRequest) -> tuple[Provider, tuple[str, ...]]:
    """The provider behind the resource, and its names for the scopes. Raises: UpstreamUnknown."""
    resource = find_resource(wish.resource_slug)
    provider = provider_by_id(resource.broker_provider) if resource else None
    if resource is None or provider is None or not provider.enabled:
        raise UpstreamUnknown
    return provider, resource.upstream_scopes(wish.scopes)


def _fresh(
    connection: Connection, *, scopes: tuple[str, ...], provider: Provider, wish: UpstreamRequest
) -> AccessToken:
    margin = config().broker.margin
    try:
        return ensure_fresh(
            connection.pk, margin=margin, now=wish.now, scopes=scopes, seen=connection
        )
    except ReconnectNeeded as ended:
        raise _consent(MISSING, provider=provider, wish=wish) from ended
    except UpstreamAway as away:
        raise UpstreamUnavailable(retry_after=away.retry_after) from away
    except UpstreamDown as down:
        raise UpstreamUnavailable(retry_after=down.retry_after) from down
    except (BadProvider, SecretUnavailable, CryptoError, BadKey) as broken:
        log.error(  # noqa: TRY400 - the cause is known and its text says it all
            "upstream service cannot be used",
            extra={"provider": provider.slug, "why": f"{type(broken).__name__}: {broken}"},
        )
        raise UpstreamUnavailable(retry_after=MENDING) from broken


def _require_granted(
    needed: tuple[str, ...], granted: Iterable[str], *, provider: Provider, wish: UpstreamRequest
) -> None:
    if not set(needed) <= set(granted):
        raise _consent(INSUFFICIENT, provider=provider, wish=wish)


def _consent(cause: str, *, provider: Provider, wish: UpstreamRequest) -> UpstreamConsentNeeded:
    return UpstreamConsentNeeded(
        cause=cause,
        consent_url=connect_url(provider.slug, resource_slug=wish.resource_slug),
        service_id=provider.slug,
    )


def _note_use(connection: Connection, *, wish: UpstreamRequest) -> None:
    """When the connection was used last and by whom: a write a minute, unless the client changes.

    Every use has its own row in the ledger and in the record; here many uses at once would wait
    for each other to write the same row.
    """
    last, by = connection.last_used_at, connection.last_used_by
    if last is None or by != wish.client_id or wish.now - last >= NOTE_EVERY:
        Connection.objects.filter(pk=connection.pk).update(
            last_used_at=wish.now, last_used_by=wish.client_id
        )


def _evidence(
    scopes: tuple[str, ...], *, provider: Provider, wish: UpstreamRequest
) -> record.PreparedEvent:
    return record.prepare(
        events.UpstreamTokenIssued(
            actor_id=str(wish.user_id),
            client_id=wish.client_id,
            provider=provider.slug,
            resource=wish.resource_slug,
            scopes=" ".join(scopes),
        )
    )


def _seconds_left(token: AccessToken) -> int | None:
    """Whole seconds; None when the service did not say."""
    if token.expires_at is None:
        return None
    return max(0, int((token.expires_at - clock.now()).total_seconds()))
