"""What stays of a credential that was handed to a proxy server: one row for each, not each use."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from audit import record
from audit.events import UpstreamTokenIssued
from authplane.core.hashing import sha256
from authplane.core.ids import first_uuid7_at
from broker.dataplane.callers import Caller
from broker.dataplane.often import Seldom
from broker.models import Connection
from broker.proxies.selectors import Proxy
from broker.refresh.outcomes import AccessToken as UpstreamToken
from oauth.models import AccessToken, Client

_TIME: Final = 80
_VERSION: Final = 7 << 76
_VARIANT: Final = 2 << 62
_RANDOM: Final = ((1 << 76) - 1) & ~(3 << 62)

_lately = Seldom()


def note(
    caller: Caller,
    token: UpstreamToken,
    *,
    connection_id: uuid.UUID,
    provider: str,
    proxy: Proxy,
    now: datetime,
) -> None:
    """The ledger has a row that this caller was served with this credential.

    It is written before the credential leaves for the first time, whichever process serves; then
    once a minute the connection is marked as used. An API key gets a row for each day as well.
    """
    row = _row_id(caller, token, connection_id=connection_id, now=now)
    if not _lately.is_due(row, now=now):
        return
    try:
        _store(row, caller, token, provider=provider, proxy=proxy, now=now)
        Connection.objects.filter(pk=connection_id).update(
            last_used_at=now, last_used_by=caller.client
        )
    except BaseException:
        _lately.forget(row)
        raise


def _store(
    row: uuid.UUID,
    caller: Caller,
    token: UpstreamToken,
    *,
    provider: str,
    proxy: Proxy,
    now: datetime,
) -> None:
    if AccessToken.objects.filter(pk=row).exists():
        return
    client = Client.objects.filter(issuer=proxy.key, client_id=caller.client).first()
    evidence = AccessToken(
        id=row,
        issuer=proxy.key,
        kind=AccessToken.Kind.VEND,
        user_id=caller.user_id,
        application_id=client.pk if client is not None else None,
        subject=str(caller.user_id),
        actors={"sub": caller.client} if caller.key_id is not None else None,
        parent=caller.jti,
        resource=proxy.resource,
        scope=" ".join(caller.scopes),
        created=now,
        expires=token.expires_at or now,
    )
    event = UpstreamTokenIssued(
        actor_id=str(caller.user_id),
        client_id=caller.client,
        provider=provider,
        resource=proxy.slug,
        scopes=" ".join(token.scopes),
    )
    try:
        with transaction.atomic():
            evidence.save(force_insert=True)
            record.record(event)
    except IntegrityError:
        # Another process was first with the very same row: the evidence is there.
        if not AccessToken.objects.filter(pk=row).exists():
            raise


def _row_id(
    caller: Caller, token: UpstreamToken, *, connection_id: uuid.UUID, now: datetime
) -> uuid.UUID:
    """The same for every use of this credential by this caller, so that it is stored once.

    A UUIDv7 as all ids of the ledger: of the time of the caller's token, or of the day.
    """
    if caller.jti is not None:
        begins = caller.jti.int >> _TIME << _TIME
    else:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        begins = first_uuid7_at(day).int
    which = f"{caller.client}:{caller.jti}:{connection_id}:{token.expires_at}"
    digest = int.from_bytes(sha256(which)[:10], "big") & _RANDOM
    return uuid.UUID(int=begins | _VERSION | _VARIANT | digest)
