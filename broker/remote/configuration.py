"""A remote MCP server's configuration: known, fresh, and with a client of ours."""

from __future__ import annotations

from datetime import datetime

from broker.models import ProviderConfig, UpstreamConfig, UpstreamServer
from broker.providers.selectors import Provider


def configured(server: UpstreamServer, *, now: datetime, force: bool = False) -> UpstreamConfig:
    """What is known about the server, stored, with a client at its authorization server.

    Asks the server and its authorization server where nothing is known, what is known is stale, or
    with ``force``; registers a client where there is none. Not to be called inside of a
    transaction.

    Raises: DiscoveryFailed; CryptoError when no data key is configured.
    """
    raise NotImplementedError


def configured_provider(
    provider: Provider, *, now: datetime, force: bool = False
) -> ProviderConfig:
    """The same for a provider of the protocol `mcp`.

    Raises: as `configured`, and BadProvider, SecretUnavailable.
    """
    raise NotImplementedError
