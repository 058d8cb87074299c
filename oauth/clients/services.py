"""What operators do to clients. Each change is recorded in the transaction that makes it.

Every function takes the public `client_id`, locks the row, decides on what it finds there, and
drops the client from the caches of all processes once the change is committed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from audit import record
from audit.events import (
    ClientCreatedAdmin,
    ClientDeleted,
    ClientReactivated,
    ClientRevoked,
    ClientSecretRotated,
    ClientSuspended,
    ClientUpdated,
)
from authplane.core import clock
from authplane.core.metrics import counter
from oauth.clients import lookup
from oauth.clients.errors import (
    ClientChanged,
    ClientHasNoSecret,
    ClientInWrongState,
    ClientUnknown,
)
from oauth.clients.policy import SECRET_METHODS
from oauth.clients.records import IDENTITY, document_of, fields_of, forget_what_was_shown
from oauth.clients.removal import remove_client
from oauth.clients.secrets import digest_secret, new_client_secret
from oauth.clients.selectors import get_client
from oauth.errors import OAuthError
from oauth.models import Client
from oauth.registration import approval
from oauth.registration.rules import ADMINISTERED
from oauth.registration.schema import BadMetadata, Metadata, Problem, read_metadata
from oauth.registration.security import SWITCH_MEMBERS
from oauth.resources.scopes import parse_scope

EDITABLE: Final = ("client_name", "redirect_uris", "grant_types", *SWITCH_MEMBERS)
"""Members an operator may change; `scope` besides. Method and agent mark are fixed at creation."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new client, and its secret, which nobody can read again."""

    client: Client
    secret: str | None


def create_client(
    document: Mapping[str, Any], *, actor: str = "admin", client_id: str = ""
) -> Created:
    """A client made by an operator; `document` holds RFC 7591 members, and `scope` its ceiling.

    Its id is new, unless it comes with one that it has elsewhere and that nobody has here.

    Raises: BadMetadata.
    """
    metadata = read_metadata_and_scope(document)
    secret = new_client_secret() if metadata.auth_method in SECRET_METHODS else None
    client = Client(
        **fields_of(metadata),
        scope=str(document.get("scope") or ""),
        client_secret=digest_secret(secret) if secret else "",
        registration_source=Client.Source.ADMIN,
        **({"client_id": client_id} if client_id else {}),
    )
    with transaction.atomic():
        client.save(force_insert=True)
        record.record(
            ClientCreatedAdmin(actor_id=actor, client_id=client.client_id, name=client.name)
        )
    lookup.drop(client.client_id)
    counter("authserver_clients_registered_total").labels(source=Client.Source.ADMIN).inc()
    return Created(client, secret)


def update_client(
    client_id: str, *, changes: Mapping[str, Any], version: int | None = None, actor: str = "admin"
) -> Client:
    """The client has the changed members; those that are absent stay. The whole must be valid.

    `version` is that of the row the operator looked at; None takes whatever is there. What users
    saw when they allowed the client is forgotten when it changes.

    Raises: ClientUnknown, ClientChanged, BadMetadata.
    """
    with _locked(client_id) as client:
        if version is not None and version != client.version:
            raise ClientChanged
        merged = document_of(client) | {"scope": client.scope} | dict(changes)
        metadata = _merged(client, merged=merged, changes=changes)
        columns = {"name", "redirect_uris", "grant_types", "metadata", *SWITCH_MEMBERS}
        fields = {name: value for name, value in fields_of(metadata).items() if name in columns}
        fields["scope"] = str(merged.get("scope") or "")
        changed = sorted(name for name, value in fields.items() if getattr(client, name) != value)
        if not changed:
            return client
        for name in changed:
            setattr(client, name, fields[name])
        _save(client, *changed)
        if set(IDENTITY) & set(changed):
            forget_what_was_shown(client, now=clock.now())
        record.record(ClientUpdated(actor_id=actor, client_id=client_id, fields=",".join(changed)))
        approval.on_change(client, changed=changed, by=actor)
    return client


def suspend_client(client_id: str, *, actor: str = "admin") -> Client:
    """The client gets no tokens until it is reactivated, and its tokens read as inactive.

    Raises: ClientUnknown, ClientInWrongState unless it was active.
    """
    with _locked(client_id) as client:
        _move(client, start={Client.Status.ACTIVE}, target=Client.Status.SUSPENDED)
        record.record(ClientSuspended(actor_id=actor, client_id=client_id))
    return client


def reactivate_client(client_id: str, *, actor: str = "admin") -> Client:
    """A suspended client works again.

    Raises: ClientUnknown, ClientInWrongState unless it was suspended.
    """
    with _locked(client_id) as client:
        _move(client, start={Client.Status.SUSPENDED}, target=Client.Status.ACTIVE)
        record.record(ClientReactivated(actor_id=actor, client_id=client_id))
    return client


def revoke_client(client_id: str, *, actor: str = "admin") -> Client:
    """The client never gets a token again, and its tokens read as inactive.

    Doing it twice changes nothing.

    Raises: ClientUnknown.
    """
    with _locked(client_id) as client:
        if client.status != Client.Status.REVOKED:
            _move(client, start=set(Client.Status), target=Client.Status.REVOKED)
            approval.withdraw(client)
            record.record(ClientRevoked(actor_id=actor, client_id=client_id))
    return client


def rotate_secret(client_id: str, *, overlap: int = 0, actor: str = "admin") -> Created:
    """The client has a new secret; the old one is good for another `overlap` seconds.

    Raises: ClientUnknown, ClientHasNoSecret.
    """
    secret = new_client_secret()
    with _locked(client_id) as client:
        if client.token_endpoint_auth_method not in SECRET_METHODS:
            raise ClientHasNoSecret
        client.previous_secret = client.client_secret if overlap > 0 else ""
        client.previous_secret_expires_at = (
            clock.now() + timedelta(seconds=overlap) if overlap > 0 else None
        )
        client.client_secret = digest_secret(secret)
        _save(client, "client_secret", "previous_secret", "previous_secret_expires_at")
        record.record(
            ClientSecretRotated(
                actor_id=actor, client_id=client_id, overlap_seconds=max(0, overlap)
            )
        )
    return Created(client, secret)


def delete_client(client_id: str, *, force: bool = False, actor: str = "admin") -> None:
    """The client is gone. Unless forced, one that holds live tokens stays.

    Raises: ClientUnknown, ClientInUse.
    """
    remove_client(
        get_client(client_id).pk,
        event=ClientDeleted(actor_id=actor, client_id=client_id, cause="admin", force=force),
        now=clock.now(),
        is_forced=force,
    )


def read_metadata_and_scope(document: Mapping[str, Any]) -> Metadata:
    """The metadata of a client that an operator describes; its `scope` is well-formed too.

    Raises: BadMetadata with the problems of both.
    """
    problems: list[Problem] = []
    scope = document.get("scope")
    try:
        parse_scope(scope if isinstance(scope, str | None) else "\x00")
    except OAuthError:
        problems.append(Problem("scope must be scope names separated by single spaces"))
    try:
        metadata = read_metadata(document, rules=ADMINISTERED)
    except BadMetadata as bad:
        raise BadMetadata([*bad.problems, *problems]) from None
    if problems:
        raise BadMetadata(problems)
    return metadata


def _merged(client: Client, *, merged: Mapping[str, Any], changes: Mapping[str, Any]) -> Metadata:
    """Raises: BadMetadata."""
    is_document = client.registration_source == Client.Source.CIMD
    if is_document and set(changes) & set(EDITABLE):
        # The next fetch of the document would undo it without a word.
        raise BadMetadata([Problem("a client with a metadata document is changed in its document")])
    if unknown := set(changes) - {*EDITABLE, "scope"}:
        raise BadMetadata(
            [Problem(f"only {', '.join(EDITABLE)} and scope can be changed") for _ in unknown]
        )
    return read_metadata_and_scope(merged)


@contextmanager
def _locked(client_id: str) -> Iterator[Client]:
    """The client's row, locked for a change that is committed at the end.

    Raises: ClientUnknown.
    """
    known = get_client(client_id)
    with transaction.atomic():
        client = Client.objects.select_for_update().filter(pk=known.pk).first()
        if client is None:
            raise ClientUnknown
        yield client
        lookup.drop(client_id)


def _move(client: Client, *, start: set[Client.Status], target: Client.Status) -> None:
    """Raises: ClientInWrongState."""
    if client.status not in start:
        raise ClientInWrongState(present=client.status, wanted=target)
    client.status = target
    _save(client, "status")


def _save(client: Client, *fields: str) -> None:
    client.version += 1
    client.save(update_fields=[*fields, "version", "updated"])
