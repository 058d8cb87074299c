"""Store and end credentials: each change of a connection is one transaction with its audit row."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.db import IntegrityError, transaction

from audit import events, record
from audit.registry import Event
from authplane.core.crypto import CryptoError
from broker import measures
from broker.connections import credentials
from broker.connections.selectors import name_of
from broker.errors import BadProvider, SecretUnavailable
from broker.models import Connection
from broker.upstream.base import TokenAnswer, UpstreamError
from broker.upstream.registry import OAuthAdapter, adapter_of
from oauth.resources.selectors import directory
from oauth.tokens.ledger import revoke_vends

log = logging.getLogger(__name__)


def store_credential(
    *,
    user_id: uuid.UUID,
    answer: TokenAnswer,
    now: datetime,
    provider_id: uuid.UUID | None = None,
    server_id: uuid.UUID | None = None,
    requested: Iterable[str] = (),
    actor_id: str = "",
) -> Connection:
    """The user's connection holds these tokens and can be used.

    Scopes that the service did not name are those ``requested``. Connecting the same account again
    adds to what was granted, and keeps the refresh token where the service gave no new one.
    ``now`` is when the tokens were asked for.

    Raises: CryptoError when no data key is configured; nothing is stored then.
    """
    told = tuple(requested) if answer.scopes is None else answer.scopes
    with transaction.atomic():
        row, is_new = _locked(user_id=user_id, provider_id=provider_id, server_id=server_id)
        usable = (Connection.Status.ACTIVE, Connection.Status.REFRESHING)
        goes_on = not is_new and row.status in usable and row.account == answer.account
        if answer.refresh_token is not None:
            row.credential_sealed = credentials.seal_credential(
                row.pk, {"refresh_token": answer.refresh_token}
            )
        elif not goes_on or row.refresh_used_at is not None:
            # A token that may be used up meanwhile is not worth keeping.
            row.credential_sealed = None
        row.account = answer.account
        row.token_type = answer.token_type
        row.access_expires_at = credentials.expiry_of(answer, asked_at=now)
        kept = credentials.is_kept(
            row,
            has_refresh=row.credential_sealed is not None,
            expires=row.access_expires_at is not None,
        )
        row.access_sealed = credentials.seal_access(row.pk, answer.access_token) if kept else None
        _begin_anew(row, scopes=told, merge=goes_on, is_new=is_new, now=now, actor_id=actor_id)
    return row


def store_secret(
    *,
    user_id: uuid.UUID,
    provider_id: uuid.UUID,
    members: dict[str, str],
    now: datetime,
    scopes: Iterable[str] = (),
    account: str = "",
    actor_id: str = "",
) -> Connection:
    """The user's connection holds what lasts without OAuth; what it held before is gone.

    ``members`` is a pasted key (`api_key`), or whom a service account acts as (`impersonate_sub`).

    Raises: CryptoError.
    """
    with transaction.atomic():
        row, is_new = _locked(user_id=user_id, provider_id=provider_id, server_id=None)
        row.credential_sealed = credentials.seal_credential(row.pk, members)
        row.access_sealed = None
        row.access_expires_at = None
        row.account = account
        _begin_anew(
            row, scopes=tuple(scopes), merge=False, is_new=is_new, now=now, actor_id=actor_id
        )
    return row


def revoke(
    connection_id: uuid.UUID,
    *,
    reason: str,
    now: datetime,
    actor_id: str = "",
    if_version: int | None = None,
    by_operator: bool = False,
) -> bool:
    """The connection cannot be used and holds no token; the service is told so after the commit.

    What the service says changes nothing. False when it had been ended before, or when its version
    is no longer ``if_version``. ``reason`` is at most 32 characters. What was vended out of it is
    revoked in the ledger: we cannot call an upstream token back, but the record says so.
    """
    with transaction.atomic():
        rows = Connection.objects.select_for_update(of=("self",)).filter(pk=connection_id)
        # Read together: after the commit nothing of the user's may be left to ask for.
        row = rows.select_related("provider", "server").first()
        if row is None or row.status == Connection.Status.REVOKED:
            return False
        if if_version is not None and row.version != if_version:
            return False
        tokens = _tokens_of(row, now=now)
        row.status = Connection.Status.REVOKED
        row.revoked_at, row.revoked_reason = now, reason
        row.credential_sealed = row.access_sealed = None
        row.access_expires_at = None
        _unmark(row)
        row.version += 1
        row.save()
        _end_vends(row, now=now)
        record.record(_told(row, reason=reason, actor_id=actor_id, by_operator=by_operator))
        measures.revoked(reason)
        transaction.on_commit(partial(tell_upstream, row, tokens), robust=True)
    return True


def _end_vends(row: Connection, *, now: datetime) -> None:
    """Rows of the ledger about tokens out of this connection say that it was ended."""
    if row.provider_id is None:
        return
    stood_for = [one for one in directory().resources if one.broker_provider == row.provider_id]
    names = [name for one in stood_for for name in (one.uri, one.slug) if name]
    revoke_vends(user_id=row.user_id, resources=names, cause="disconnected", now=now)


def _told(row: Connection, *, reason: str, actor_id: str, by_operator: bool) -> Event:
    if by_operator:
        return events.BrokerGrantRevokedAdmin(
            actor_id=actor_id,
            id=str(row.pk),
            user_id=str(row.user_id),
            broker_provider_id=str(row.provider_id or ""),
        )
    return events.BrokerGrantRevoked(
        actor_id=actor_id or str(row.user_id),
        provider=name_of(row),
        grant_id=str(row.pk),
        reason=reason,
    )


def tell_upstream(row: Connection, tokens: list[tuple[str, str]]) -> None:
    """The service was asked to forget the tokens, [(token, hint)]; failures are logged."""
    if not tokens:
        return
    try:
        adapter = adapter_of(row)
    except (BadProvider, SecretUnavailable, CryptoError, UpstreamError) as error:
        log.warning("upstream cannot be told", extra={"why": type(error).__name__})
        return
    if isinstance(adapter, OAuthAdapter):
        for token, hint in tokens:
            adapter.revoke(token, hint=hint)


def _tokens_of(row: Connection, *, now: datetime) -> list[tuple[str, str]]:
    """The tokens to be forgotten, the refresh token first: after it nothing new can come.

    The access token is named as well while it lives: not every service ends it with the other.

    Spec: RFC 7009 section 2.1 (SHOULD end the access tokens of the same grant as well).
    """
    found = []
    try:
        if refresh_token := credentials.credential_of(row).get("refresh_token"):
            found.append((str(refresh_token), "refresh_token"))
        lives = row.access_expires_at is None or row.access_expires_at > now
        if lives and (access_token := credentials.access_of(row)):
            found.append((access_token, "access_token"))
    except CryptoError:
        # Ending a connection must work where its tokens can no longer be read.
        log.warning("tokens cannot be opened", extra={"connection": str(row.pk)})
    return found


def _locked(
    *, user_id: uuid.UUID, provider_id: uuid.UUID | None, server_id: uuid.UUID | None
) -> tuple[Connection, bool]:
    """The row of this connection, locked, and whether it is not stored yet."""
    members = {"provider_id": provider_id} if provider_id else {"server_id": server_id}
    rows = Connection.objects.select_for_update(of=("self",)).filter(user_id=user_id, **members)
    if found := rows.first():
        return found, False
    try:
        with transaction.atomic():
            return Connection.objects.create(user_id=user_id, **members), True
    except IntegrityError:
        # Another answer of the same user's came first: this one comes after it.
        return rows.get(), False


def _begin_anew(
    row: Connection,
    *,
    scopes: tuple[str, ...],
    merge: bool,
    is_new: bool,
    now: datetime,
    actor_id: str,
) -> None:
    before = tuple(row.scopes_granted) if merge else ()
    row.scopes_granted = list(dict.fromkeys((*before, *scopes)))
    row.status = Connection.Status.ACTIVE
    row.connected_at = now
    row.revoked_at, row.revoked_reason = None, ""
    row.failures, row.next_attempt_at = 0, None
    _unmark(row)
    if not is_new:
        row.version += 1
    row.save()
    record.record(
        events.BrokerGrantCreated(
            actor_id=actor_id or str(row.user_id),
            provider=name_of(row),
            grant_id=str(row.pk),
            version=row.version,
        )
    )


def _unmark(row: Connection) -> None:
    row.refresh_used_at = None
    row.lease_owner, row.lease_until = "", None
