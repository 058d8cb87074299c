"""Registering, changing and removing identity providers. Each change is recorded with it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction

from audit import record
from audit.events import IdPCreated, IdPDeleted, IdPKeysRefreshed, IdPUpdated
from authplane.core import clock
from authplane.core.config import config
from authplane.core.metrics import counter
from oauth.clients import fetching
from oauth.federation.discovery import discover_jwks_uri
from oauth.federation.entries import entry_of
from oauth.federation.errors import BadEntry, EntryConflict, IssuerAway, Problem
from oauth.federation.keys import KeySource, KeysRejected, refetch
from oauth.federation.keys import drop as drop_keys
from oauth.federation.reading import (
    known_members,
    read_flag,
    read_name,
    read_text,
    url_problem,
)
from oauth.models import TrustedIdP, WorkloadIssuer
from oauth.xaa import trust

ABSENT: Final = "trusted identity provider not found"
MEMBERS: Final = ("name", "issuer", "jwks_uri", "audience", "enabled")
FIXED: Final = ("issuer", "jwks_uri", "audience")
MAX_URI: Final = 2048


def create_provider(body: Mapping[str, Any], *, actor: str = "system") -> TrustedIdP:
    """An identity provider whose assertions count from now on, as far as policies allow.

    `name` and `issuer` are required. Without `jwks_uri` the issuer is asked where its keys are;
    without `audience` its assertions have to name our own issuer.

    Raises: BadEntry, EntryConflict, IssuerAway.
    """
    accepted, problems = _read(body, names=MEMBERS)
    problems += [Problem(name, "is required") for name in ("name", "issuer") if not body.get(name)]
    if problems:
        raise BadEntry(problems)
    _require_distinct(accepted["issuer"])
    if not accepted.get("jwks_uri"):
        # Before the transaction: nobody holds a lock while another host takes its time.
        accepted["jwks_uri"] = _discovered(accepted["issuer"])
    try:
        with transaction.atomic():
            row = TrustedIdP.objects.create(**accepted)
            record.record(IdPCreated(actor_id=actor, id=str(row.pk), issuer=row.issuer))
    except IntegrityError:
        raise EntryConflict("another identity provider has this issuer") from None
    _changed("register")
    return row


def change_provider(
    key: uuid.UUID, body: Mapping[str, Any], *, actor: str = "system"
) -> TrustedIdP:
    """The provider with another `name`, or switched on or off. Nothing else can change.

    Whoever trusts an issuer by another address or for another audience trusts somebody else.
    A body that changes nothing writes nothing.

    Raises: BadEntry, NoSuchEntry.
    """
    accepted, problems = _read(body, names=("name", "enabled"))
    if problems:
        raise BadEntry(problems)
    with transaction.atomic():
        row = _locked(key)
        changed = [name for name, value in accepted.items() if getattr(row, name) != value]
        if changed:
            for name in changed:
                setattr(row, name, accepted[name])
            row.version += 1
            row.save(update_fields=[*changed, "version", "updated_at"])
            fields = ",".join(changed)
            record.record(
                IdPUpdated(actor_id=actor, id=str(row.pk), issuer=row.issuer, fields=fields)
            )
    if changed:
        _changed("update")
    return row


def delete_provider(key: uuid.UUID, *, actor: str = "system") -> None:
    """The provider is gone, with its policies and mappings; nobody knows its keys any more.

    Raises: NoSuchEntry.
    """
    with transaction.atomic():
        row = _locked(key)
        row.delete()
        record.record(IdPDeleted(actor_id=actor, id=str(key), issuer=row.issuer))
    drop_keys(_keys_of(row))
    _changed("delete")


def refresh_keys(key: uuid.UUID, *, actor: str = "system") -> int:
    """The provider's keys are what it publishes now, in every process; how many are usable.

    Raises: NoSuchEntry, IssuerAway.
    """
    row = find_provider_row(key)
    try:
        keys = refetch(_keys_of(row), now=clock.now())
    except (KeysRejected, fetching.Unavailable) as failure:
        raise IssuerAway(f"the keys of the issuer cannot be had: {failure}") from None
    with transaction.atomic():
        record.record(
            IdPKeysRefreshed(actor_id=actor, id=str(row.pk), issuer=row.issuer, keys=keys)
        )
    return keys


def find_provider_row(key: uuid.UUID) -> TrustedIdP:
    """The provider's row.

    Raises: NoSuchEntry.
    """
    return entry_of(TrustedIdP.objects.all(), key, ABSENT)


def _read(
    body: Mapping[str, Any], *, names: tuple[str, ...]
) -> tuple[dict[str, Any], list[Problem]]:
    problems = known_members(body, names=names, fixed=() if names == MEMBERS else FIXED)
    accepted: dict[str, Any] = {}
    for name in names:
        if body.get(name) is None:
            continue
        accepted[name], wrong = _READ[name](body[name])
        problems += wrong
    return accepted, problems


def _url(field: str, value: Any) -> tuple[Any, list[Problem]]:
    longest = 512 if field == "issuer" else MAX_URI
    text, problems = read_text(field, value, longest=longest)
    wrong = "" if problems or not text else url_problem(text)
    if not wrong and field == "issuer" and "?" in text:
        wrong = "must not have a query"
    return text, problems + ([Problem(field, wrong)] if wrong else [])


_READ: Final = {
    "name": lambda value: read_name("name", value),
    "issuer": lambda value: _url("issuer", value),
    "jwks_uri": lambda value: _url("jwks_uri", value),
    "audience": lambda value: read_text("audience", value),
    "enabled": lambda value: read_flag("enabled", value),
}


def _require_distinct(issuer: str) -> None:
    """Nobody else has the issuer, or one whose subjects could be taken for its own.

    A subject without a mapping is `<issuer>:<subject>`, so that "8443:ann" of https://idp.example
    would be "ann" of https://idp.example:8443.

    Raises: EntryConflict.
    """
    if issuer == config().server.issuer:
        raise EntryConflict("the issuer is this server itself")
    if WorkloadIssuer.objects.filter(issuer=issuer).exists():
        raise EntryConflict("a workload issuer has this issuer")
    for other in TrustedIdP.objects.values_list("issuer", flat=True):
        if other == issuer:
            raise EntryConflict("another identity provider has this issuer")
        if other.startswith(f"{issuer}:") or issuer.startswith(f"{other}:"):
            raise EntryConflict("the issuer differs from another one by its port alone")


def _discovered(issuer: str) -> str:
    try:
        found = discover_jwks_uri(issuer)
    except KeysRejected as failure:
        raise BadEntry([Problem("jwks_uri", f"cannot be discovered: {failure}")]) from None
    except fetching.Unavailable as failure:
        raise IssuerAway(f"the issuer cannot be asked for its keys: {failure}") from None
    uri, problems = _url("jwks_uri", found)
    if problems:
        raise BadEntry(problems)
    return str(uri)


def _locked(key: uuid.UUID) -> TrustedIdP:
    return entry_of(TrustedIdP.objects.select_for_update(), key, ABSENT)


def _keys_of(row: TrustedIdP) -> KeySource:
    return KeySource(issuer=row.issuer, jwks_uri=row.jwks_uri)


def _changed(operation: str) -> None:
    trust.drop()
    counter("authplane_xaa_idp_operations_total").labels(operation).inc()
