"""Keep what was discovered: beside the client, which rediscovery does not touch."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q

from authplane.core import clock
from broker.models import BrokerProvider, Connection, ProviderConfig, UpstreamServer
from broker.remote.discovery import Found
from broker.remote.errors import UNREACHABLE, DiscoveryFailed
from broker.remote.targets import Config, Target

log = logging.getLogger(__name__)

WITHOUT_CLIENT: Final[dict[str, Any]] = {
    "client_id": "",
    "client_source": "",
    "client_issuer": "",
    "client_expires_at": None,
    "secret_sealed": None,
    "registration_sealed": None,
    "token_endpoint_auth_method": "none",
}


def keep(target: Target, found: Found, *, now: datetime) -> Config:
    """What was found replaces what had been; the stored row. Whose it may be is decided before.

    A client of another issuer goes: what is known at one authorization server is not to be shown
    to another. Connections made through another issuer or for another resource wait for their
    users, for the same reason.

    Spec: MCP 2026-07-28 authorization (client credentials are bound to their issuer).
    Raises: DiscoveryFailed when the server was removed meanwhile.
    """
    with transaction.atomic():
        _lock(target)
        row, is_new = target.model.objects.get_or_create(pk=target.key)
        moved = not is_new and bool(row.issuer) and row.issuer != found.issuer
        elsewhere = moved or (not is_new and row.resource_identifier not in {"", found.resource})
        changes: dict[str, Any] = {
            "url": target.url,
            "resource_identifier": found.resource,
            "issuer": found.issuer,
            "authorization_endpoint": found.authorization_endpoint,
            "token_endpoint": found.token_endpoint,
            "registration_endpoint": found.registration_endpoint,
            "revocation_endpoint": found.revocation_endpoint,
            "scopes": list(found.scopes),
            "auth_methods": list(found.auth_methods),
            "supports_pkce": found.supports_pkce,
            "tells_issuer": found.tells_issuer,
            "takes_documents": found.takes_documents,
            "discovery_method": found.method,
            "discovered_at": now,
            "fresh_until": now + timedelta(seconds=found.lifetime),
        }
        if row.client_issuer not in {"", found.issuer}:
            changes |= WITHOUT_CLIENT
        if elsewhere:
            ended = end_connections(target)
            log.warning("authorization server of a server changed", extra={"ended": ended})
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(update_fields=list(changes))
    return row


def end_connections(target: Target) -> int:
    """Connections to the server wait for their users and hold nothing; how many there were."""
    to_it = Q(provider_id=target.key) if target.model is ProviderConfig else Q(server_id=target.key)
    usable = (Connection.Status.ACTIVE, Connection.Status.REFRESHING)
    return Connection.objects.filter(to_it, status__in=usable).update(
        status=Connection.Status.REAUTH_REQUIRED,
        credential_sealed=None,
        access_sealed=None,
        access_expires_at=None,
        refresh_used_at=None,
        lease_owner="",
        lease_until=None,
        version=F("version") + 1,
        updated_at=clock.now(),
    )


def note_need(target: Target, *, requires_auth: bool | None) -> None:
    """What the server said about whether it needs an account."""
    if requires_auth is not None and target.model is not ProviderConfig:
        rows = UpstreamServer.objects.filter(pk=target.key).exclude(requires_auth=requires_auth)
        rows.update(requires_auth=requires_auth, updated_at=clock.now())


def _lock(target: Target) -> None:
    """Nobody else stores anything about the server, nor removes it, until the end."""
    owner = BrokerProvider if target.model is ProviderConfig else UpstreamServer
    if not owner.objects.select_for_update().filter(pk=target.key).exists():
        raise DiscoveryFailed(UNREACHABLE, "the server was removed meanwhile")
