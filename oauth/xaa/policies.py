"""Making, changing and removing policies for identity assertions. Each change is recorded."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from audit import record
from audit.events import XAAPolicyCreated, XAAPolicyDeleted, XAAPolicyUpdated
from authplane.core.ids import id_or_none
from oauth.federation.entries import entry_of
from oauth.federation.errors import BadEntry, Problem
from oauth.federation.reading import known_members, read_flag, read_name, read_texts
from oauth.models import TrustedIdP, XAAPolicy
from oauth.resources.scopes import is_scope_name
from oauth.xaa import trust

CHANGEABLE: Final = ("name", "client_ids", "scopes", "resources", "enabled")
MEMBERS: Final = ("idp_id", *CHANGEABLE)
ABSENT: Final = "XAA policy not found"
NO_IDP: Final = "trusted identity provider not found"


def create_policy(body: Mapping[str, Any], *, actor: str = "system") -> XAAPolicy:
    """A policy; `name` and `idp_id` are required.

    An absent list of clients or resources means any. Scopes that are absent or null are no limit;
    an empty list of them denies everything.

    Raises: BadEntry, NoSuchEntry for a provider nobody registered.
    """
    accepted, problems = _read(body, names=MEMBERS)
    problems += [Problem(name, "is required") for name in ("name", "idp_id") if not body.get(name)]
    if problems:
        raise BadEntry(problems)
    with transaction.atomic():
        idp = require_idp(accepted.pop("idp_id"))
        row = XAAPolicy.objects.create(idp=idp, **accepted)
        record.record(XAAPolicyCreated(actor_id=actor, id=str(row.pk), idp_id=str(idp.pk)))
    trust.drop()
    return row


def change_policy(key: uuid.UUID, body: Mapping[str, Any], *, actor: str = "system") -> XAAPolicy:
    """The policy with the members of ``body``; lists are replaced as wholes, absent ones stay.

    `scopes: null` takes the limit away. A body that changes nothing writes nothing.

    Raises: BadEntry, NoSuchEntry.
    """
    accepted, problems = _read(body, names=CHANGEABLE)
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
            record.record(
                XAAPolicyUpdated(
                    actor_id=actor,
                    id=str(row.pk),
                    idp_id=str(row.idp_id),
                    fields=",".join(changed),
                )
            )
    if changed:
        trust.drop()
    return row


def delete_policy(key: uuid.UUID, *, actor: str = "system") -> None:
    """The policy allows nothing any more.

    Raises: NoSuchEntry.
    """
    with transaction.atomic():
        row = _locked(key)
        row.delete()
        record.record(XAAPolicyDeleted(actor_id=actor, id=str(key), idp_id=str(row.idp_id)))
    trust.drop()


def find_policy(key: uuid.UUID) -> XAAPolicy:
    """The policy's row.

    Raises: NoSuchEntry.
    """
    return entry_of(XAAPolicy.objects.all(), key, ABSENT)


def require_idp(key: uuid.UUID) -> TrustedIdP:
    """The provider, which stays while the present transaction lasts.

    Raises: NoSuchEntry.
    """
    return entry_of(TrustedIdP.objects.select_for_update(), key, NO_IDP)


def read_key(field: str, value: Any) -> tuple[Any, list[Problem]]:
    """An id of ours."""
    found = id_or_none(value)
    return found, [] if found else [Problem(field, "must be an id")]


def _read(
    body: Mapping[str, Any], *, names: tuple[str, ...]
) -> tuple[dict[str, Any], list[Problem]]:
    problems = known_members(body, names=names, fixed=() if names == MEMBERS else ("idp_id",))
    accepted: dict[str, Any] = {}
    for name in names:
        if name not in body or (body[name] is None and name not in _LISTS):
            continue
        accepted[name], wrong = _member(name, body[name])
        problems += wrong
    return accepted, problems


_LISTS: Final = frozenset({"client_ids", "scopes", "resources"})


def _member(name: str, value: Any) -> tuple[Any, list[Problem]]:
    if name == "name":
        return read_name(name, value)
    if name == "idp_id":
        return read_key(name, value)
    if name == "enabled":
        return read_flag(name, value)
    if value is None:
        return (None if name == "scopes" else []), []
    found, problems = read_texts(name, value)
    if name == "scopes" and not all(map(is_scope_name, found)):
        problems.append(Problem(name, "must be names of scopes"))
    return found, problems


def _locked(key: uuid.UUID) -> XAAPolicy:
    return entry_of(XAAPolicy.objects.select_for_update(), key, ABSENT)
