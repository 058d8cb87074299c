"""What is done when an authorization server refuses what worked before: ask anew, seldom."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from broker.models import Connection, ProviderConfig, UpstreamConfig, UpstreamServer
from broker.providers.selectors import provider_by_id
from broker.providers.settings import McpSettings
from broker.remote import client, storage
from broker.remote.configuration import may_ask_again, rediscovered
from broker.remote.errors import DiscoveryFailed
from broker.remote.targets import Config, Target, of_provider, of_server
from broker.upstream.base import UpstreamError, UpstreamRefused

UNKNOWN_CLIENT: Final = "invalid_client"
STALE: Final = frozenset({UNKNOWN_CLIENT, "unauthorized_client", "other", "redirect"})
"""Refusals that a move of the endpoint, or the end of a registration, can explain."""


def mend(connection: Connection, *, refusal: str, now: datetime) -> bool:
    """Whether something changed, now that the server was asked anew where ``refusal`` calls for it.

    Either it is spoken with elsewhere or in another way from now on; or our client there is no
    more, and what was granted to it neither: users connect again then.

    At most once in five minutes for each server. Not to be called inside of a transaction.
    """
    target = _target_of(connection)
    before = target.stored() if target is not None and refusal in STALE else None
    if target is None or before is None or not may_ask_again(target):
        return False
    try:
        after = rediscovered(target, before, now=now)
    except DiscoveryFailed:
        return False
    if _way(after) != _way(before):
        return True
    if refusal == UNKNOWN_CLIENT and client.forget(after):
        storage.end_connections(target)
        return True
    return False


def note_refusal(found: UpstreamConfig | ProviderConfig, failed: UpstreamError) -> None:
    """The next hop asks the server anew where a code was refused for what is known to be old.

    A client that the server does not know any more is forgotten: the next hop registers another.
    """
    if not isinstance(failed, UpstreamRefused) or failed.code not in STALE:
        return
    if failed.code == UNKNOWN_CLIENT:
        client.forget(found)
    type(found).objects.filter(pk=found.pk).update(fresh_until=None)


def _target_of(connection: Connection) -> Target | None:
    if connection.server_id is not None:
        server = UpstreamServer.objects.filter(pk=connection.server_id).first()
        return of_server(server) if server else None
    provider = provider_by_id(connection.provider_id)
    if provider is None or not isinstance(provider.settings, McpSettings):
        return None
    return of_provider(provider)


def _way(row: Config) -> tuple[str, str, str]:
    return row.issuer, row.token_endpoint, row.token_endpoint_auth_method
