"""Which client of ours an authorization server knows us by, made where there is none.

In this order: one that an administrator registered, our published metadata document, one that we
register ourselves. Spec: MCP 2025-11-25 authorization (client registration approaches).
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core import leases
from broker.remote import registration
from broker.remote.errors import NO_CLIENT, REGISTRATION_FAILED, WRONG_ISSUER, DiscoveryFailed
from broker.remote.registration import Registered
from broker.remote.storage import WITHOUT_CLIENT
from broker.remote.targets import Config, Target
from broker.vault.sealing import open_members, seal_members, seal_text

DOCUMENT: Final = "document"
DYNAMIC: Final = "dcr"
MANUAL: Final = "manual"
SECRET, REGISTRATION = "secret_sealed", "registration_sealed"
GUARD: Final = timedelta(minutes=6)
"""A secret that ends before the user is back is of no use."""

LEASE: Final = 15
PATIENCE: Final = 12.0
PAUSE: Final = 0.2


def ensured(target: Target, row: Config, *, now: datetime) -> Config:
    """The row with a client that can be used at its issuer.

    Raises: DiscoveryFailed (no_client, registration_failed, wrong_issuer); CryptoError when no
    data key is configured.
    """
    settings = target.settings
    if settings is not None and settings.client_id:
        return _manual(target, row)
    if _is_usable(target, row, now=now):
        return row
    if _takes_our_document(target, row):
        return _store(target, row, _of_document(target, row))
    if not row.registration_endpoint:
        raise DiscoveryFailed(NO_CLIENT)
    return _registered(target, row, now=now)


def forget(row: Config) -> bool:
    """A client that we registered, and that its server no longer knows, is gone from here."""
    rows = type(row).objects.filter(pk=row.pk, client_id=row.client_id, client_source=DYNAMIC)
    return bool(rows.update(**WITHOUT_CLIENT))


def require_issuer(target: Target, known: Config | None, *, issuer: str) -> None:
    """Nothing when this issuer may learn of our client.

    A server that changes hands could name an authorization server that collects secrets: the
    client of an administrator is only shown to the issuer that the administrator named, or else to
    the first one that was found.

    Raises: DiscoveryFailed (wrong_issuer).
    """
    settings = target.settings
    expected = settings.issuer if settings is not None else ""
    if not expected and known is not None and known.client_source == MANUAL:
        expected = known.client_issuer
    if expected and expected != issuer:
        raise DiscoveryFailed(WRONG_ISSUER, "an administrator expects another one")


def _manual(target: Target, row: Config) -> Config:
    """The administrator's client. Its secret stays where the administrator put it."""
    require_issuer(target, row, issuer=row.issuer)
    settings, provider = target.settings, target.provider
    assert settings is not None  # noqa: S101 - the caller looked
    has_secret = bool(settings.secret_ref) or bool(provider and provider.secret_sealed)
    members = WITHOUT_CLIENT | {
        "client_id": settings.client_id,
        "client_source": MANUAL,
        "client_issuer": row.issuer,
        "token_endpoint_auth_method": registration.method_for(
            row.auth_methods, has_secret=has_secret, may_be_public=False
        ),
    }
    if all(getattr(row, name) == value for name, value in members.items()):
        return row
    return _store(target, row, members)


def _is_usable(target: Target, row: Config, *, now: datetime) -> bool:
    """Whether our present client there is still one.

    Raises: CryptoError.
    """
    if not row.client_id or row.client_issuer != row.issuer:
        return False
    if row.client_source == DOCUMENT:
        return row.client_id == target.document
    if row.client_source != DYNAMIC:
        return False
    if row.client_expires_at is not None and row.client_expires_at <= now + GUARD:
        return False
    # Our callback may have moved since: the server would refuse to send users there.
    return _opened(target, row).get("redirect_uri") == target.callback


def _takes_our_document(target: Target, row: Config) -> bool:
    """Whether it fetches client metadata documents, and can fetch ours.

    Spec: draft-ietf-oauth-client-id-metadata-document-02 section 3 (MUST: https).
    """
    if not row.takes_documents or urlsplit(target.document).scheme != "https":
        return False
    # Our document is of a public client; where those are not taken, registering may still work.
    return "none" in row.auth_methods or not row.registration_endpoint


def _of_document(target: Target, row: Config) -> dict[str, Any]:
    return WITHOUT_CLIENT | {
        "client_id": target.document,
        "client_source": DOCUMENT,
        "client_issuer": row.issuer,
    }


def _registered(target: Target, row: Config, *, now: datetime) -> Config:
    """A client that was registered now, by this call or by another at the same time."""
    # Asked for before anything is registered: a client whose secret cannot be kept helps nobody.
    seal_text("", table=target.table, row=target.key, column=SECRET)
    gives_up = time.monotonic() + PATIENCE
    while (lease := leases.claim(f"register:{target.key}", ttl=LEASE)) is None:
        if time.monotonic() > gives_up:
            raise DiscoveryFailed(REGISTRATION_FAILED, "another attempt goes on")
        time.sleep(PAUSE)
    try:
        row = target.model.objects.get(pk=row.pk)
        if _is_usable(target, row, now=now):
            return row
        made = registration.register(
            row.registration_endpoint,
            callback=target.callback,
            offered=row.auth_methods,
            scopes=row.scopes,
        )
        kept = _store(target, row, _members_of(made, target, row))
    finally:
        lease.release()
    if kept.client_id != made.client_id:
        registration.unregister(made)
    return kept


def _members_of(made: Registered, target: Target, row: Config) -> dict[str, Any]:
    place: dict[str, Any] = {"table": target.table, "row": target.key}
    about = {
        "redirect_uri": target.callback,
        "url": made.management_url,
        "token": made.management_token,
    }
    secret = seal_text(made.secret, **place, column=SECRET) if made.secret else None
    return {
        "client_id": made.client_id,
        "client_source": DYNAMIC,
        "client_issuer": row.issuer,
        "client_expires_at": made.expires_at,
        "token_endpoint_auth_method": made.method,
        "secret_sealed": secret,
        "registration_sealed": seal_members(about, **place, column=REGISTRATION),
    }


def _store(target: Target, row: Config, members: dict[str, Any]) -> Config:
    """The row with this client, or with the one that somebody else stored first.

    Raises: DiscoveryFailed when what they stored is no client of this issuer.
    """
    as_it_was = target.model.objects.filter(
        pk=row.pk, issuer=row.issuer, client_id=row.client_id, client_issuer=row.client_issuer
    )
    stored = as_it_was.update(**members)
    now_there = target.model.objects.filter(pk=row.pk).first()
    if now_there is None or (not stored and now_there.client_issuer != row.issuer):
        raise DiscoveryFailed(REGISTRATION_FAILED, "the server changed meanwhile")
    return now_there


def _opened(target: Target, row: Config) -> dict[str, Any]:
    if row.registration_sealed is None:
        return {}
    members: dict[str, Any] = open_members(
        row.registration_sealed, table=target.table, row=target.key, column=REGISTRATION
    )
    return members
