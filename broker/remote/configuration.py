"""A remote MCP server's configuration: known, fresh, and with a client of ours."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Final

from authplane.core import leases
from broker.models import ProviderConfig, UpstreamConfig, UpstreamServer
from broker.providers.selectors import Provider
from broker.remote import client, discovery, storage
from broker.remote.errors import NO_AUTH_REQUIRED, DiscoveryFailed
from broker.remote.probe import probe
from broker.remote.targets import Config, Target, of_provider, of_server

COOL_DOWN: Final = 300

log = logging.getLogger(__name__)


def configured(server: UpstreamServer, *, now: datetime, force: bool = False) -> UpstreamConfig:
    """What is known about the server, stored, with a client at its authorization server.

    Asks the server and its authorization server where nothing is known, what is known is stale, or
    with ``force``; registers a client where there is none. Not to be called inside of a
    transaction.

    Raises: DiscoveryFailed; CryptoError when no data key is configured.
    """
    row = ensured(of_server(server), now=now, force=force)
    assert isinstance(row, UpstreamConfig)  # noqa: S101 - the target's own model
    return row


def configured_provider(
    provider: Provider, *, now: datetime, force: bool = False
) -> ProviderConfig:
    """The same for a provider of the protocol `mcp`.

    Raises: as `configured`, and BadProvider.
    """
    row = ensured(of_provider(provider), now=now, force=force)
    assert isinstance(row, ProviderConfig)  # noqa: S101 - the target's own model
    return row


def ensured(target: Target, *, now: datetime, force: bool = False) -> Config:
    """The configuration of either kind of server. Raises: as `configured`."""
    row = target.stored()
    if row is None or force or not is_fresh(row, now=now):
        row = rediscovered(target, row, now=now)
    return client.ensured(target, row, now=now)


def is_fresh(row: Config, *, now: datetime) -> bool:
    """Whether what is known need not be asked for again."""
    return bool(row.token_endpoint) and row.fresh_until is not None and now < row.fresh_until


def may_ask_again(target: Target) -> bool:
    """Whether a failure may lead to asking anew: once in five minutes, over all replicas."""
    return leases.claim(f"rediscover:{target.key}", ttl=COOL_DOWN) is not None


def rediscovered(target: Target, known: Config | None, *, now: datetime) -> Config:
    """What the server and its authorization server say now, stored; ``known`` is what was known.

    Raises: DiscoveryFailed.
    """
    try:
        found = _found(target, known, deadline=time.monotonic() + discovery.SECONDS)
        client.require_issuer(target, known, issuer=found.issuer)
    except DiscoveryFailed as failed:
        log.info("server not discovered", extra={"server": str(target.key), "why": failed.why})
        raise
    return storage.keep(target, found, now=now)


def _found(target: Target, known: Config | None, *, deadline: float) -> discovery.Found:
    answer = probe(target.url, deadline=deadline)
    storage.note_need(target, requires_auth=answer.requires_auth)
    if answer.requires_auth is False:
        raise DiscoveryFailed(NO_AUTH_REQUIRED)
    return discovery.discover(
        target.url,
        challenge=answer.challenge,
        requires_auth=answer.requires_auth,
        leniency=target.leniency,
        known_issuer=known.issuer if known else "",
        deadline=deadline,
    )
