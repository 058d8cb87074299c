"""Delete a client, and with it everything that descends from it."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from audit import record
from audit.registry import Event
from oauth.clients import lookup
from oauth.clients.errors import ClientInUse, ClientUnknown
from oauth.clients.selectors import holds_live_tokens
from oauth.models import AccessToken, Client

ATTEMPTS: Final = 3


def remove_client(
    client_pk: uuid.UUID, *, event: Event, now: datetime, is_forced: bool = True
) -> None:
    """The client is gone, and the record tells of it, in one transaction.

    A token issued for the client at this very moment makes the database refuse the deletion; it
    is then done again, token included.

    Raises: ClientUnknown; ClientInUse when it holds live tokens and this is not forced.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                _remove(client_pk, event=event, now=now, is_forced=is_forced)
        except IntegrityError:
            if attempt == ATTEMPTS:
                raise
        else:
            return


def _remove(client_pk: uuid.UUID, *, event: Event, now: datetime, is_forced: bool) -> None:
    client = Client.objects.select_for_update().filter(pk=client_pk).first()
    if client is None:
        raise ClientUnknown
    if not is_forced and holds_live_tokens(client_pk, now=now):
        raise ClientInUse
    delete_rows([client_pk], now=now)
    record.record(event)
    lookup.drop(client.client_id)


def delete_rows(client_pks: Collection[uuid.UUID], *, now: datetime) -> int:
    """The clients are gone with their families, refresh tokens, consents and codes; how many.

    The ledger keeps its rows; tokens that were in force are revoked there. Runs inside the
    caller's transaction.
    """
    AccessToken.objects.filter(application__in=client_pks, revoked_at=None, expires__gt=now).update(
        revoked_at=now, revoked_reason="client_deleted"
    )
    _, rows = Client.objects.filter(pk__in=client_pks).delete()
    return int(rows.get(Client._meta.label, 0))  # noqa: SLF001 - the name Django counts under
