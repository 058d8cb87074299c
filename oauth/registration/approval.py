"""The queue of clients that wait for administrators.

What is approved is a registration as it stands, not a name: a client that changes it afterwards
waits again, and what was said before counts for nothing. Otherwise a harmless registration would
be approved, and its redirect URIs replaced a minute later.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet

from audit import record
from audit.events import (
    ClientApprovalGiven,
    ClientApprovalRequested,
    ClientApproved,
    ClientRejected,
)
from authplane.core import clock
from oauth.clients import lookup
from oauth.clients.errors import ClientInWrongState, ClientUnknown
from oauth.models import ApprovalVote, Client, ClientApproval
from oauth.registration import approval_rules

Cause, Outcome, Verdict = ClientApproval.Cause, ClientApproval.Outcome, ApprovalVote.Verdict

SELF_MADE = (Client.Source.DCR, Client.Source.CIMD)
UNREMARKABLE = frozenset({"metadata", "software_id", "agent_description", "application_type"})
"""Columns that give a client nothing: with a new version number it is still the same client."""
MAX_REASON = 255


class NoSuchApproval(Exception):
    """Nothing with this id was ever asked."""

    def __init__(self) -> None:
        super().__init__("approval not found")


class AlreadyDecided(Exception):
    """The question is not open any more."""

    def __init__(self) -> None:
        super().__init__("the client does not wait for this approval any more")


class NotTheSameTwice(Exception):
    """Four eyes: whoever asked does not answer, and nobody answers twice."""


def initial_status(source: str) -> str:
    """What a client of this source starts as."""
    waits = approval_rules.needed(source) > 0
    return str(Client.Status.PENDING if waits else Client.Status.ACTIVE)


def begin_if_pending(client: Client) -> None:
    """A client that was just stored as pending stands in the queue. In the caller's transaction."""
    if client.status == Client.Status.PENDING:
        _ask(client, cause=Cause.REGISTERED)


def on_change(client: Client, *, changed: Collection[str], by: str = "") -> None:
    """A self-made client whose registration changed has to be approved again, where that is asked.

    In the caller's transaction, with the client's row locked. ``by`` is the administrator who
    changed it; empty for the client itself.
    """
    if client.registration_source not in SELF_MADE or not set(changed) - UNREMARKABLE:
        return
    waits = client.status == Client.Status.PENDING
    loses = (
        client.status == Client.Status.ACTIVE
        and not by
        and approval_rules.needed(client.registration_source) > 0
    )
    if loses:
        _make_pending(client)
    if waits or loses:
        _ask(client, cause=Cause.CHANGED, by=by)


def ask_again(client_id: str, *, actor: str) -> ClientApproval:
    """A self-made client that works stops working until others have agreed to it.

    Raises: ClientUnknown, ClientInWrongState.
    """
    with transaction.atomic():
        client = Client.objects.select_for_update().filter(issuer="", client_id=client_id).first()
        if client is None or client.registration_source not in SELF_MADE:
            raise ClientUnknown
        if client.status != Client.Status.ACTIVE:
            raise ClientInWrongState(present=client.status, wanted=Client.Status.PENDING)
        _make_pending(client)
        return _ask(client, cause=Cause.REQUESTED, by=actor)


def withdraw(client: Client) -> None:
    """Nobody is asked about the client any more: it was decided about in another way."""
    _open(client).update(outcome=Outcome.SUPERSEDED, decided_at=clock.now())


def approve(
    key: uuid.UUID, *, actor: str, same_as: Collection[str] = (), reason: str = ""
) -> ClientApproval:
    """The administrator agrees. Once as many as are needed have, the client works.

    ``same_as`` are other names under which the same person may have spoken.

    Raises: NoSuchApproval, AlreadyDecided, NotTheSameTwice.
    """
    with transaction.atomic():
        approval = _waiting(key)
        _vote(approval, Verdict.APPROVE, actor=actor, same_as=same_as, reason=reason)
        given, wanted = approval.votes.count(), needed_now(approval)
        client = approval.client
        name, told = client.client_id, str(approval.pk)
        record.record(
            ClientApprovalGiven(actor_id=actor, client_id=name, id=told, given=given, needed=wanted)
        )
        if given >= wanted:
            _decide(approval, Outcome.APPROVED, status=Client.Status.ACTIVE)
            record.record(ClientApproved(actor_id=actor, client_id=name, id=told, needed=wanted))
    return find(key)


def reject(key: uuid.UUID, *, actor: str, reason: str = "") -> ClientApproval:
    """The client stays refused for good. One administrator is enough, whoever agreed before.

    Raises: NoSuchApproval, AlreadyDecided.
    """
    with transaction.atomic():
        approval = _waiting(key)
        said = {"verdict": Verdict.REJECT, "reason": reason[:MAX_REASON]}
        ApprovalVote.objects.update_or_create(
            approval=approval, administrator=actor, defaults=said | {"created_at": clock.now()}
        )
        _decide(approval, Outcome.REJECTED, status=Client.Status.REVOKED)
        record.record(
            ClientRejected(
                actor_id=actor, client_id=approval.client.client_id, id=str(key),
                reason=reason[:MAX_REASON],
            )
        )  # fmt: skip
    return find(key)


def approvals(outcome: str = "") -> QuerySet[ClientApproval]:
    """Every question that was asked, or those with this outcome."""
    rows = ClientApproval.objects.select_related("client").prefetch_related("votes")
    return rows.filter(outcome=outcome) if outcome else rows


def count_waiting() -> int:
    """How many clients wait."""
    return ClientApproval.objects.filter(outcome=Outcome.WAITING).count()


def find(key: uuid.UUID) -> ClientApproval:
    """Raises: NoSuchApproval."""
    row = approvals().filter(pk=key).first()
    if row is None:
        raise NoSuchApproval
    return row


def needed_now(approval: ClientApproval) -> int:
    """Stricter rules hold for those that wait already; laxer ones only for those that come."""
    return max(1, approval.needed, approval_rules.needed(approval.client.registration_source))


def _ask(client: Client, *, cause: str, by: str = "") -> ClientApproval:
    withdraw(client)
    wanted = max(1, approval_rules.needed(client.registration_source))
    row: ClientApproval = ClientApproval.objects.create(
        client=client, cause=cause, needed=wanted, requested_by=by[:255]
    )
    record.record(
        ClientApprovalRequested(
            actor_id=by, client_id=client.client_id, id=str(row.pk), cause=cause, needed=wanted
        )
    )
    return row


def _waiting(key: uuid.UUID) -> ClientApproval:
    """The open question, with its client locked first, as everybody who changes clients does.

    Raises: NoSuchApproval, AlreadyDecided.
    """
    known = ClientApproval.objects.filter(pk=key).values_list("client", flat=True).first()
    client = Client.objects.select_for_update().filter(pk=known).first() if known else None
    if client is None:
        raise NoSuchApproval
    row = ClientApproval.objects.filter(pk=key, outcome=Outcome.WAITING).first()
    if row is None or client.status != Client.Status.PENDING:
        raise AlreadyDecided
    row.client = client
    return row


def _vote(
    approval: ClientApproval, verdict: str, *, actor: str, same_as: Collection[str], reason: str
) -> None:
    """Raises: NotTheSameTwice."""
    names = {actor, *same_as}
    if approval.requested_by and approval.requested_by in names:
        raise NotTheSameTwice("who asked for the approval, or changed the client, cannot give it")
    if approval.votes.filter(administrator__in=names).exists():
        raise NotTheSameTwice("this takes another administrator: you have agreed already")
    ApprovalVote.objects.create(
        approval=approval, administrator=actor, verdict=verdict, reason=reason[:MAX_REASON]
    )


def _decide(approval: ClientApproval, outcome: str, *, status: str) -> None:
    approval.outcome, approval.decided_at = outcome, clock.now()
    approval.save(update_fields=["outcome", "decided_at"])
    _set_status(approval.client, status)


def _make_pending(client: Client) -> None:
    _set_status(client, Client.Status.PENDING)


def _set_status(client: Client, status: str) -> None:
    client.status = status
    client.version += 1
    client.save(update_fields=["status", "version", "updated"])
    lookup.drop(client.client_id, issuer=client.issuer)


def _open(client: Client) -> QuerySet[ClientApproval]:
    return ClientApproval.objects.filter(client=client, outcome=Outcome.WAITING)
