"""Registering, changing and removing workload issuers. Each change is recorded where it is made."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction

from audit import record
from audit.events import (
    WorkloadIssuerCreated,
    WorkloadIssuerDeleted,
    WorkloadIssuerKeysRefreshed,
    WorkloadIssuerPatched,
)
from authplane.core import clock
from oauth.clients import fetching
from oauth.federation import selectors
from oauth.federation.body import place_problems, read_change, read_new
from oauth.federation.discovery import discover_jwks_uri
from oauth.federation.entries import entry_of
from oauth.federation.errors import BadEntry, EntryConflict, IssuerAway, Problem
from oauth.federation.keys import KeysRejected, drop, refetch
from oauth.federation.presets import GITHUB_ACTIONS
from oauth.federation.reading import unknown_clients, url_problem
from oauth.models import TrustedIdP, WorkloadIssuer

ABSENT: Final = "workload issuer not found"
GITHUB_KEYS: Final = "https://token.actions.githubusercontent.com/.well-known/jwks"
EMPTY: Final[dict[str, Any]] = {
    "jwks_uri": "",
    "jwks": None,
    "audience": "",
    "rules": [],
    "enabled": True,
}


def create_issuer(body: Mapping[str, Any], *, actor: str = "system") -> WorkloadIssuer:
    """A new workload issuer with the members of ``body``; `name` and `issuer` are required.

    Where neither keys nor their place are given, the issuer's own discovery document is asked.

    Raises: BadEntry, EntryConflict, IssuerAway.
    """
    members, problems = read_new(body)
    if not problems:
        members = EMPTY | members
        problems += place_problems(members)
    problems += _unknown_clients(members)
    if problems:
        raise BadEntry(problems)
    _require_distinct(members["issuer"])
    # Before the transaction: nobody holds a lock while another host takes its time.
    members["jwks_uri"] = _place_of(members)
    row = WorkloadIssuer(**members)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            record.record(WorkloadIssuerCreated(actor_id=actor, id=str(row.pk), issuer=row.issuer))
    except IntegrityError:
        raise EntryConflict("another workload issuer has this issuer") from None
    selectors.drop()
    return row


def patch_issuer(
    key: uuid.UUID, body: Mapping[str, Any], *, actor: str = "system"
) -> WorkloadIssuer:
    """The issuer with the members of ``body``; the list of rules is replaced as a whole.

    A body that changes nothing writes nothing.

    Raises: BadEntry, NoSuchEntry, IssuerAway.
    """
    with transaction.atomic():
        row = _locked(key)
        members, problems = read_change(body, kind=row.preset)
        whole = {name: getattr(row, name) for name in ("issuer", "jwks_uri", "jwks")} | members
        problems = problems or [*place_problems(whole), *_unknown_clients(members)]
        if problems:
            raise BadEntry(problems)
        changed = sorted(name for name, value in members.items() if getattr(row, name) != value)
        if not changed:
            return row
        for name in changed:
            setattr(row, name, members[name])
        if "jwks" in changed or "jwks_uri" in changed:
            row.jwks_uri = _place_of(whole)
        row.version += 1
        row.save()
        fields = ",".join(changed)
        record.record(
            WorkloadIssuerPatched(actor_id=actor, id=str(key), issuer=row.issuer, fields=fields)
        )
    selectors.drop()
    return row


def delete_issuer(key: uuid.UUID, *, actor: str = "system") -> None:
    """The issuer's tokens no longer count. What they were traded for lives on until it expires.

    Raises: NoSuchEntry.
    """
    with transaction.atomic():
        row = _locked(key)
        source = selectors.view_of(row).keys
        row.delete()
        record.record(WorkloadIssuerDeleted(actor_id=actor, id=str(key), issuer=row.issuer))
    if source.jwks_uri:
        drop(source)
    selectors.drop()


def renew_keys(key: uuid.UUID, *, actor: str = "system") -> int:
    """The issuer's keys are what it publishes now; how many of them are usable.

    Raises: NoSuchEntry; BadEntry when they are given here or are not acceptable; IssuerAway.
    """
    row = find_row(key)
    if row.jwks is not None:
        raise BadEntry([Problem("jwks", "is given here: there is nothing to fetch")])
    try:
        keys = refetch(selectors.view_of(row).keys, now=clock.now())
    except KeysRejected as wrong:
        raise BadEntry([Problem("jwks_uri", f"cannot be used: {wrong}")]) from None
    except fetching.Unavailable as failure:
        raise IssuerAway(f"the keys cannot be fetched: {failure}") from None
    with transaction.atomic():
        record.record(
            WorkloadIssuerKeysRefreshed(
                actor_id=actor, id=str(row.pk), issuer=row.issuer, keys=keys
            )
        )
    return keys


def find_row(key: uuid.UUID) -> WorkloadIssuer:
    """The issuer of this id.

    Raises: NoSuchEntry.
    """
    return entry_of(WorkloadIssuer.objects.all(), key, ABSENT)


def _locked(key: uuid.UUID) -> WorkloadIssuer:
    return entry_of(WorkloadIssuer.objects.select_for_update(), key, ABSENT)


def _require_distinct(issuer: str) -> None:
    """Nobody else has the name: an issuer vouches for workloads or for users.

    Raises: EntryConflict.
    """
    if WorkloadIssuer.objects.filter(issuer=issuer).exists():
        raise EntryConflict("another workload issuer has this issuer")
    if TrustedIdP.objects.filter(issuer=issuer).exists():
        raise EntryConflict("an identity provider has this issuer")


def _place_of(members: Mapping[str, Any]) -> str:
    """Where the keys are: as given, "" where they are given themselves, or as the issuer says.

    Raises: BadEntry, IssuerAway.
    """
    if members["jwks"] is not None or members["jwks_uri"]:
        return str(members["jwks_uri"])
    if members["issuer"] == GITHUB_ACTIONS.issuer:
        return GITHUB_KEYS
    try:
        found = discover_jwks_uri(members["issuer"])
    except KeysRejected as failure:
        text = f"is not given, and the issuer's discovery document cannot be used: {failure}"
        raise BadEntry([Problem("jwks_uri", text)]) from None
    except fetching.Unavailable as failure:
        text = f"jwks_uri is not given, and the issuer cannot be asked for it: {failure}"
        raise IssuerAway(text) from None
    wrong = url_problem(found)
    if wrong:
        raise BadEntry([Problem("jwks_uri", f"of the discovery document {wrong}")])
    return found


def _unknown_clients(members: Mapping[str, Any]) -> list[Problem]:
    ids = [rule["client_id"] for rule in members.get("rules", []) if "client_id" in rule]
    texts = [client_id for client_id in ids if isinstance(client_id, str)]
    return unknown_clients("rules", texts)
