"""The user's credential at the service behind a proxy, fresh, and the header it goes in."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from authplane.core.cache import TimedCache
from authplane.core.config import config
from authplane.core.crypto import CryptoError
from broker.dataplane import refusals
from broker.dataplane.callers import Caller
from broker.errors import BadProvider, SecretUnavailable
from broker.measures import on_behalf_of
from broker.models import Connection
from broker.providers.private_keys import BadKey
from broker.providers.selectors import Provider, provider_by_id
from broker.providers.settings import ApiKeySettings
from broker.proxies.selectors import Proxy
from broker.refresh.engine import ensure_fresh
from broker.refresh.outcomes import AccessToken, ReconnectNeeded, UpstreamAway
from broker.upstream.base import UpstreamDown

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A header for the service. Its value does not show in its text form."""

    header: str
    value: str = field(repr=False)
    token: AccessToken = field(repr=False)
    connection_id: uuid.UUID
    provider: str


def credential_for(caller: Caller, *, proxy: Proxy, now: datetime) -> Credential:
    """What the service behind the proxy gets to see instead of the caller's own credential.

    Raises: Refusal.
    """
    provider = provider_by_id(proxy.provider_id)
    if provider is None or not provider.enabled:
        raise refusals.unavailable(refusals.MENDING)
    try:
        connection_id = _connections.get((caller.user_id, provider.id))
        token = _fresh(connection_id, provider=provider, proxy=proxy, now=now)
    except (_NotConnected, ReconnectNeeded):
        # An id that leads nowhere any more must not outlive the row it was of.
        _connections.forget((caller.user_id, provider.id))
        raise refusals.reconnect() from None
    header, prefix = _form(provider)
    value = prefix + token.value
    if not (value.isascii() and value.isprintable()):
        log.error("upstream credential fits no header", extra={"provider": provider.slug})
        raise refusals.unavailable(refusals.MENDING)
    return Credential(
        header=header,
        value=value,
        token=token,
        connection_id=connection_id,
        provider=provider.slug,
    )


def _fresh(
    connection_id: uuid.UUID, *, provider: Provider, proxy: Proxy, now: datetime
) -> AccessToken:
    """Raises: ReconnectNeeded; Refusal when there is no token right now."""
    margin = config().broker.margin
    try:
        with on_behalf_of(proxy.slug):
            return ensure_fresh(connection_id, margin=margin, now=now, scopes=proxy.scopes)
    except (UpstreamAway, UpstreamDown) as away:
        raise refusals.unavailable(away.retry_after) from away
    except (BadProvider, SecretUnavailable, CryptoError, BadKey) as broken:
        log.error(  # noqa: TRY400 - the cause is known and its text says it all
            "upstream service cannot be used",
            extra={"provider": provider.slug, "why": f"{type(broken).__name__}: {broken}"},
        )
        raise refusals.unavailable(refusals.MENDING) from broken


def _form(provider: Provider) -> tuple[str, str]:
    """The header, and what its value begins with: a scheme is set off by a space."""
    if isinstance(settings := provider.settings, ApiKeySettings):
        prefix = settings.header_prefix
        return settings.header_name, f"{prefix} " if prefix[-1:].isalnum() else prefix
    return "Authorization", "Bearer "


class _NotConnected(Exception):
    """The user has no connection to the provider."""


def _find(key: tuple[uuid.UUID, uuid.UUID]) -> uuid.UUID:
    """Which connection it is never changes; whether it can be used is read on every request."""
    user_id, provider_id = key
    rows = Connection.objects.filter(user_id=user_id, provider_id=provider_id)
    found: uuid.UUID | None = rows.values_list("pk", flat=True).first()
    if found is None:
        raise _NotConnected
    return found


_connections: TimedCache[tuple[uuid.UUID, uuid.UUID], uuid.UUID] = TimedCache(
    "connections-by-user", ttl=60.0, load=_find, max_size=10_000
)
