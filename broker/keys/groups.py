"""Making, changing and removing access groups, each recorded in its own transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from audit import record
from audit.events import AccessGroupCreated, AccessGroupDeleted, AccessGroupPatched
from broker.keys.errors import BadEntry, EntryConflict, NoSuchEntry, Problem
from broker.keys.texts import one_line, stranger_problems
from broker.models import AccessGroup, GroupProxyAccess, OAuthProxy
from oauth.resources.locking import exclusive

MEMBERS: Final = ("name", "enabled", "proxy_access")
ACCESS_MEMBERS: Final = {"proxy", "requests_per_minute"}
MOST: Final = 1_000_000
TAKEN: Final = "another access group has this name"

Access = dict[int, int | None]
"""Proxy to requests a minute; None is no limit."""


def create_group(body: Mapping[str, Any], *, actor: str = "system") -> AccessGroup:
    """A group whose keys may use the proxies of `proxy_access`; without it none.

    Raises: BadEntry, EntryConflict.
    """
    row = AccessGroup()
    with exclusive():
        access = _apply(row, body)
        if AccessGroup.objects.filter(name=row.name).exists():
            raise EntryConflict(TAKEN)
        row.save(force_insert=True)
        _store(row, access or {})
        record.record(AccessGroupCreated(actor_id=actor, id=str(row.pk), name=row.name))
    return row


def patch_group(key: uuid.UUID, body: Mapping[str, Any], *, actor: str = "system") -> AccessGroup:
    """The group with the members of ``body``; `proxy_access` is replaced as a whole.

    A body that changes nothing writes nothing.

    Raises: BadEntry, NoSuchEntry, EntryConflict.
    """
    with exclusive():
        row = _locked(key)
        before = (row.name, row.enabled)
        access = _apply(row, body)
        if AccessGroup.objects.filter(name=row.name).exclude(pk=key).exists():
            raise EntryConflict(TAKEN)
        changed = [
            name
            for name, old in zip(("name", "enabled"), before, strict=True)
            if getattr(row, name) != old
        ]
        if changed:
            row.save(update_fields=changed)
        if access is not None and access != _stored(row):
            _store(row, access)
            changed.append("proxy_access")
        if changed:
            event = AccessGroupPatched(
                actor_id=actor, id=str(key), name=row.name, fields=",".join(changed)
            )
            record.record(event)
    return row


def delete_group(key: uuid.UUID, *, actor: str = "system") -> None:
    """The group is gone.

    Raises: NoSuchEntry; EntryConflict while keys belong to it, revoked ones too: the record of
    whose they were goes with them.
    """
    with exclusive():
        row = _locked(key)
        if keys := row.keys.count():
            raise EntryConflict(f"{keys} API keys belong to the group; delete them first")
        row.delete()
        record.record(AccessGroupDeleted(actor_id=actor, id=str(key), name=row.name))


def find_group(key: uuid.UUID) -> AccessGroup:
    """Raises: NoSuchEntry."""
    row = AccessGroup.objects.filter(pk=key).first()
    if row is None:
        raise NoSuchEntry
    return row


def _locked(key: uuid.UUID) -> AccessGroup:
    row = AccessGroup.objects.select_for_update().filter(pk=key).first()
    if row is None:
        raise NoSuchEntry
    return row


def _stored(row: AccessGroup) -> Access:
    return dict(row.access.values_list("proxy_id", "requests_per_minute"))


def _store(row: AccessGroup, access: Access) -> None:
    row.access.all().delete()
    GroupProxyAccess.objects.bulk_create(
        GroupProxyAccess(group=row, proxy_id=proxy, requests_per_minute=limit)
        for proxy, limit in access.items()
    )


def _apply(row: AccessGroup, body: Mapping[str, Any]) -> Access | None:
    """The members of the body are the row's; the access it asks for, None where it says nothing.

    Raises: BadEntry.
    """
    problems = stranger_problems(body, known=MEMBERS, noun="an access group")
    row.name = one_line(body.get("name", row.name), at="name", problems=problems)
    if isinstance(enabled := body.get("enabled", row.enabled), bool):
        row.enabled = enabled
    else:
        problems.append(Problem("enabled", "must be true or false"))
    access = None
    if "proxy_access" in body:
        access = _read_access(body["proxy_access"], problems)
    if problems:
        raise BadEntry(problems)
    return access


def _read_access(entries: Any, problems: list[Problem]) -> Access:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append(Problem("proxy_access", "must be a list of objects"))
        return {}
    known = dict(OAuthProxy.objects.values_list("slug", "pk"))
    access: Access = {}
    for number, entry in enumerate(entries):
        at = f"proxy_access.{number}"
        problems += stranger_problems(entry, known=ACCESS_MEMBERS, noun="an access", at=at)
        slug, limit = entry.get("proxy"), entry.get("requests_per_minute")
        proxy = known.get(slug) if isinstance(slug, str) else None
        if limit is not None and (type(limit) is not int or not 1 <= limit <= MOST):
            problems.append(Problem(f"{at}.requests_per_minute", f"must be 1 to {MOST}, or null"))
        elif proxy is None:
            problems.append(Problem(f"{at}.proxy", "is no OAuth proxy's slug"))
        elif proxy in access:
            problems.append(Problem(f"{at}.proxy", "is there twice"))
        else:
            access[proxy] = limit
    return access
