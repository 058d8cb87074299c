"""The stored side of metadata documents: a client row, and how fresh its document is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from audit import record
from audit.events import ClientRegistered, ClientUpdated
from authplane.core.metrics import counter
from oauth.clients import lookup
from oauth.clients.policy import initial_ceiling
from oauth.clients.records import fields_of, fingerprint, forget_what_was_shown
from oauth.models import Client, FetchedDocument
from oauth.registration import approval
from oauth.registration.schema import Metadata

MAX_CAUSE = 64


@dataclass(frozen=True, slots=True)
class Stored:
    """A client whose document was fetched before."""

    client: Client
    document: FetchedDocument

    @property
    def etag(self) -> str:
        """What the host called the document as it is stored."""
        return self.document.etag

    @property
    def is_active(self) -> bool:
        """An administrator has not switched the client off."""
        return bool(self.client.status == Client.Status.ACTIVE)

    def is_fresh(self, *, now: datetime) -> bool:
        """The document need not be looked at again yet."""
        return now < self.document.fresh_until

    def is_good_until(self, *, now: datetime, grace: timedelta) -> bool:
        """The document may be relied on while its host is out of reach."""
        return not self.document.is_rejected and now < self.document.fresh_until + grace


def find(client_id: str) -> Stored | None:
    """The client and its document; None when either is missing."""
    document = (
        FetchedDocument.objects.select_related("client")
        .filter(client__issuer="", client__client_id=client_id, kind=FetchedDocument.Kind.METADATA)
        .first()
    )
    return None if document is None else Stored(document.client, document)


def save(
    client_id: str, *, metadata: Metadata, etag: str, fresh_until: datetime, now: datetime
) -> Client:
    """The client is what its document says now; the first time it is made.

    What an administrator decided about it (status, ceiling) stays. When users would see another
    client than the one they allowed, they are asked again.
    """
    fields = fields_of(metadata) | {"cimd_fingerprint": fingerprint(metadata)}
    with transaction.atomic():
        client, created = Client.objects.select_for_update().get_or_create(
            issuer="",
            client_id=client_id,
            defaults=fields
            | {
                "registration_source": Client.Source.CIMD,
                "status": approval.initial_status(Client.Source.CIMD),
                "scope": initial_ceiling(metadata.grant_types),
                "created": now,
            },
        )
        if created:
            record.record(ClientRegistered(client_id=client_id, source=Client.Source.CIMD))
            approval.begin_if_pending(client)
        elif client.registration_source == Client.Source.CIMD:
            _update(client, fields=fields, now=now)
        FetchedDocument.objects.update_or_create(
            client=client,
            kind=FetchedDocument.Kind.METADATA,
            defaults={
                "etag": etag,
                "fetched_at": now,
                "checked_at": now,
                "fresh_until": fresh_until,
                "failure": "",
                "is_rejected": False,
            },
        )
    if created:
        counter("authserver_clients_registered_total").labels(source=Client.Source.CIMD).inc()
    lookup.drop(client_id)
    saved: Client = client
    return saved


def _update(client: Client, *, fields: dict[str, object], now: datetime) -> None:
    changed = sorted(name for name, value in fields.items() if getattr(client, name) != value)
    if not changed:
        return
    if "cimd_fingerprint" in changed:
        forget_what_was_shown(client, now=now)
    if "client_jwks_uri" in changed:
        client.documents.filter(kind=FetchedDocument.Kind.KEYS).delete()
    for name in changed:
        setattr(client, name, fields[name])
    client.version += 1
    client.save(update_fields=[*changed, "version", "updated"])
    told = [name for name in changed if not name.startswith("cimd_")]
    if told:
        record.record(ClientUpdated(client_id=client.client_id, fields=",".join(told)))
        approval.on_change(client, changed=told)


def prolong(stored: Stored, *, fresh_until: datetime, now: datetime) -> Client:
    """The document has not changed and is fresh again."""
    FetchedDocument.objects.filter(pk=stored.document.pk).update(
        fetched_at=now, checked_at=now, fresh_until=fresh_until, failure="", is_rejected=False
    )
    return stored.client


def note_failure(stored: Stored | None, *, cause: str, is_rejected: bool, now: datetime) -> None:
    """The latest attempt brought nothing.

    A client that was rejected stays so until its document is good again: an outage that follows
    does not rehabilitate it.
    """
    if stored is None:
        return
    changes: dict[str, object] = {"checked_at": now, "failure": cause[:MAX_CAUSE]}
    if is_rejected:
        changes["is_rejected"] = True
    FetchedDocument.objects.filter(pk=stored.document.pk).update(**changes)
