"""Clients that registered themselves and were left behind are removed."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from audit import record
from audit.events import ClientDeleted
from authplane.core.config import config
from oauth.clients import lookup
from oauth.clients.removal import delete_rows
from oauth.clients.selectors import live_grant
from oauth.models import (
    AccessToken,
    AuthorizationCode,
    AuthorizationRequest,
    Client,
    ConsentGrant,
    TokenFamily,
)

BATCH: Final = 200
MAX_BATCHES: Final = 50


def lapse_unused(now: datetime) -> int:
    """Self-registered clients of every issuer that nobody used for long are gone; how many.

    A client stays while it holds a live grant, was used or changed lately, or an operator has
    switched it off: deleting that row would undo the decision. Clients of metadata documents are
    among them; they come back with the next authorization.

    One transaction for each bounded batch, so that no run holds locks for long.
    """
    cutoff = now - timedelta(seconds=config().dcr.lapse_after)
    lapsed = 0
    for _ in range(MAX_BATCHES):
        taken, removed = _lapse_batch(now=now, cutoff=cutoff)
        lapsed += removed
        if taken < BATCH or not removed:
            break
    return lapsed


def _lapse_batch(*, now: datetime, cutoff: datetime) -> tuple[int, int]:
    """How many clients seemed unused, and how many of them still were once they were locked.

    Asked again under the lock: an authorization that came in between holds a lock on the row of
    its client, so the second question sees it.
    """
    with transaction.atomic():
        candidates = list(
            unused_clients(now=now, cutoff=cutoff)
            .order_by("id")
            .select_for_update(skip_locked=True)
            .values_list("pk", flat=True)[:BATCH]
        )
        unused = list(
            unused_clients(now=now, cutoff=cutoff)
            .filter(pk__in=candidates)
            .values_list("pk", "client_id", "issuer")
        )
        removed = delete_rows([pk for pk, _, _ in unused], now=now)
        for _, client_id, issuer in unused:
            record.record(ClientDeleted(actor_id="system", client_id=client_id, cause="lapsed"))
            lookup.drop(client_id, issuer=issuer)
    return len(candidates), removed


def unused_clients(*, now: datetime, cutoff: datetime) -> "QuerySet[Client]":
    """Self-registered clients without a live grant and without any use since `cutoff`."""
    mine = OuterRef("pk")
    traces = (
        TokenFamily.objects.filter(client=mine, created_at__gt=cutoff),
        AccessToken.objects.filter(application=mine, created__gt=cutoff),
        ConsentGrant.objects.filter(client=mine, updated_at__gt=cutoff),
        AuthorizationRequest.objects.filter(client=mine, expires_at__gt=now),
        AuthorizationCode.objects.filter(application=mine, expires__gt=now),
    )
    used = Q(live_grant(now=now))
    for trace in traces:
        used |= Q(Exists(trace))
    unused: QuerySet[Client] = Client.objects.filter(
        ~used,
        registration_source__in=(Client.Source.DCR, Client.Source.CIMD),
        status__in=(Client.Status.ACTIVE, Client.Status.PENDING),
        created__lte=cutoff,
        updated__lte=cutoff,
    )
    return unused
