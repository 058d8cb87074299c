"""Carry out what the user decided under a signed link: once, and with the record of it."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db import transaction

from audit import record
from audit.events import ConsentDenied, ConsentGranted
from authplane.accounts.models import User
from authplane.core.hashing import sha256_hex
from authplane.core.metrics import counter
from authplane.core.replay import spend_once
from oauth.consent.grant_link import LIFETIME, Ask
from oauth.consent.services import AlreadyAnswered, widen_consent
from oauth.models import Client
from oauth.resources.view import ResourceView

__all__ = ["AlreadyAnswered", "allow", "deny"]

_DECISIONS: Final = "authserver_consent_decisions_total"
_ONCE: Final = "consent-link"


def allow(
    ask: Ask,
    *,
    user: User,
    client: Client,
    resource: ResourceView,
    scopes: Collection[str],
    now: datetime,
) -> None:
    """The client may have these scopes beside those it was allowed before.

    The link is used up in the same transaction: of two answers at once one counts, and a link
    whose consent was taken back brings nothing back.

    Raises: AlreadyAnswered.
    """
    with transaction.atomic():
        _use_up(ask)
        widen_consent(user=user, client=client, resource=resource, scopes=scopes, now=now)
        record.record(
            ConsentGranted(
                actor_id=str(user.pk),
                client_id=client.client_id,
                resource=resource.uri,
                scopes=" ".join(scopes),
            )
        )
    counter(_DECISIONS).labels(decision="granted").inc()


def deny(ask: Ask, *, user: User, client: Client) -> None:
    """The link is used up; what was allowed before stays as it is.

    Raises: AlreadyAnswered.
    """
    with transaction.atomic():
        _use_up(ask)
        record.record(
            ConsentDenied(
                actor_id=str(user.pk),
                client_id=client.client_id,
                session=sha256_hex(ask.id)[:16],
            )
        )
    counter(_DECISIONS).labels(decision="denied").inc()


def _use_up(ask: Ask) -> None:
    """In the database, with the decision: a rollback takes both back."""
    if not spend_once(_ONCE, ask.id, ttl=2 * LIFETIME, durable=True):
        raise AlreadyAnswered
