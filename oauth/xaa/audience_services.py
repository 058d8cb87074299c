"""Registering, changing and removing the servers to which users are asserted."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction

from audit import record
from audit.events import (
    AssertionAudienceCreated,
    AssertionAudienceDeleted,
    AssertionAudiencePatched,
)
from authplane.core.config import config
from oauth.federation.entries import entry_of
from oauth.federation.errors import BadEntry, EntryConflict, Problem
from oauth.federation.reading import (
    MAX_TEXT,
    Found,
    is_plain,
    known_members,
    read_flag,
    read_name,
    read_text,
    read_texts,
    unknown_clients,
    url_problem,
)
from oauth.models import AssertionAudience
from oauth.resources.scopes import is_scope_name
from oauth.xaa import audiences

ABSENT: Final = "assertion audience not found"
MEMBERS: Final = (
    "name", "audience", "client_ids", "remote_client_ids", "resources", "scopes", "enabled",
)  # fmt: skip
FIXED: Final = ("audience",)
CHANGEABLE: Final = tuple(name for name in MEMBERS if name not in FIXED)
EMPTY: Final[dict[str, Any]] = {
    "client_ids": [], "remote_client_ids": {}, "resources": [], "scopes": [], "enabled": True,
}  # fmt: skip
"""What is not said is not allowed. `scopes` of null, said aloud, allows all."""


def create_audience(body: Mapping[str, Any], *, actor: str = "system") -> AssertionAudience:
    """Another authorization server to which users can be asserted; `name`, `audience` required.

    Raises: BadEntry, EntryConflict.
    """
    members, problems = _read(body, names=MEMBERS)
    problems += [
        Problem(name, "is required") for name in ("name", "audience") if not body.get(name)
    ]
    members = EMPTY | members
    problems += _whole_problems(members)
    if problems:
        raise BadEntry(problems)
    try:
        with transaction.atomic():
            row = AssertionAudience.objects.create(**members)
            record.record(
                AssertionAudienceCreated(actor_id=actor, id=str(row.pk), audience=row.audience)
            )
    except IntegrityError:
        raise EntryConflict("another entry has this audience") from None
    audiences.drop()
    return row


def patch_audience(
    key: uuid.UUID, body: Mapping[str, Any], *, actor: str = "system"
) -> AssertionAudience:
    """The audience with the members of ``body``; lists are replaced as wholes.

    A body that changes nothing writes nothing.

    Raises: BadEntry, NoSuchEntry.
    """
    members, problems = _read(body, names=CHANGEABLE, fixed=FIXED)
    with transaction.atomic():
        row = _locked(key)
        whole = {name: getattr(row, name) for name in MEMBERS} | members
        problems += _whole_problems(whole)
        if problems:
            raise BadEntry(problems)
        changed = sorted(name for name, value in members.items() if getattr(row, name) != value)
        if not changed:
            return row
        for name in changed:
            setattr(row, name, members[name])
        row.version += 1
        row.save()
        event = AssertionAudiencePatched(
            actor_id=actor, id=str(key), audience=row.audience, fields=",".join(changed)
        )
        record.record(event)
    audiences.drop()
    return row


def delete_audience(key: uuid.UUID, *, actor: str = "system") -> None:
    """Nobody is asserted there any more; assertions that were made end by themselves.

    Raises: NoSuchEntry.
    """
    with transaction.atomic():
        row = _locked(key)
        row.delete()
        record.record(AssertionAudienceDeleted(actor_id=actor, id=str(key), audience=row.audience))
    audiences.drop()


def find_row(key: uuid.UUID) -> AssertionAudience:
    """The audience of this id.

    Raises: NoSuchEntry.
    """
    return entry_of(AssertionAudience.objects.all(), key, ABSENT)


def _locked(key: uuid.UUID) -> AssertionAudience:
    return entry_of(AssertionAudience.objects.select_for_update(), key, ABSENT)


def _read(
    body: Mapping[str, Any], *, names: tuple[str, ...], fixed: tuple[str, ...] = ()
) -> tuple[dict[str, Any], list[Problem]]:
    """The members as they are stored, and everything that is wrong; only `scopes` may be null."""
    problems = known_members(body, names=names, fixed=fixed)
    members: dict[str, Any] = {}
    for name in names:
        if name in body and (body[name] is not None or name == "scopes"):
            members[name], wrong = READ[name](name, body[name])
            problems += wrong
    return members, problems


def _whole_problems(members: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with members taken together."""
    problems = unknown_clients("client_ids", members["client_ids"])
    strangers = set(members["remote_client_ids"]) - set(members["client_ids"])
    problems += [
        Problem("remote_client_ids", f"names a client that is not in client_ids: {client_id}")
        for client_id in sorted(strangers)
    ]
    if members.get("audience") == config().server.issuer:
        problems.append(Problem("audience", "is this server"))
    return problems


def _audience(field: str, value: Any) -> Found:
    text, problems = read_text(field, value)
    wrong = url_problem(text) if not problems else ""
    return text, problems or ([Problem(field, wrong)] if wrong else [])


def _resources(field: str, value: Any) -> Found:
    uris, problems = read_texts(field, value)
    wrong = [uri for uri in uris if "#" in uri or "://" not in uri]
    return uris, problems or [Problem(field, f"must be absolute URIs: {uri}") for uri in wrong]


def _scopes(field: str, value: Any) -> Found:
    if value is None:
        return None, []
    names, problems = read_texts(field, value)
    wrong = [name for name in names if not is_scope_name(name)]
    return names, problems or [Problem(field, "must be names of scopes") for _ in wrong[:1]]


def _remote(field: str, value: Any) -> Found:
    good = isinstance(value, dict) and all(
        isinstance(there, str) and 0 < len(there) <= MAX_TEXT and is_plain(there)
        for there in value.values()
    )
    return (value, []) if good else ({}, [Problem(field, "must map our client ids to theirs")])


READ: Final[dict[str, Callable[[str, Any], Found]]] = {
    "name": read_name,
    "audience": _audience,
    "client_ids": read_texts,
    "remote_client_ids": _remote,
    "resources": _resources,
    "scopes": _scopes,
    "enabled": read_flag,
}
