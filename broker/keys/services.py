"""Making, changing, revoking and removing API keys, each recorded in its own transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from audit import record
from audit.events import ApiKeyCreated, ApiKeyDeleted, ApiKeyPatched, ApiKeyRevoked
from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.ids import id_or_none
from broker.keys.errors import BadEntry, EntryConflict, NoSuchEntry, Problem
from broker.keys.secret import SHOWN, hash_of, is_key, new_key
from broker.keys.texts import one_line, stranger_problems
from broker.models import AccessGroup, ApiKey

NEW: Final = ("name", "description", "user_id", "user_group_id", "expires_in_days")
CHANGEABLE: Final = ("name", "description", "expires_in_days")
MOST_DAYS: Final = 3650


def create_key(
    body: Mapping[str, Any], *, actor: str = "system", key: str | None = None
) -> tuple[ApiKey, str]:
    """A key of the user's in the group, and the key itself, which nothing shows again.

    `name`, `user_id` and `user_group_id` are required; without `expires_in_days` it lasts until it
    is revoked. ``key`` is one that was made elsewhere, in the form of ours.

    Raises: BadEntry; EntryConflict when ``key`` is there already.
    """
    text = new_key() if key is None else key
    row = ApiKey(prefix=text[:SHOWN], key_hash=hash_of(text), created_by=actor[:255])
    problems = stranger_problems(body, known=NEW, noun="an API key")
    if not is_key(text):
        problems.append(Problem("key", "must be uag_ and 256 random bits in base64url"))
    _take_texts(row, body, problems)
    row.expires_at = _expiry(body.get("expires_in_days"), problems)
    with transaction.atomic():
        user = User.objects.filter(status=User.Status.ACTIVE, **_by_id(body.get("user_id"))).first()
        group = AccessGroup.objects.filter(**_by_id(body.get("user_group_id"))).first()
        if user is None:
            problems.append(Problem("user_id", "must be the id of an active user"))
        if group is None:
            problems.append(Problem("user_group_id", "must be the id of an access group"))
        if problems or user is None or group is None:
            raise BadEntry(problems)
        if ApiKey.objects.filter(key_hash=row.key_hash).exists():
            raise EntryConflict("the key is there already")
        row.user, row.group = user, group
        row.save(force_insert=True)
        event = ApiKeyCreated(
            actor_id=actor, id=str(row.pk), name=row.name, user=str(user.pk), group=group.name
        )
        record.record(event)
    return row, text


def patch_key(key: uuid.UUID, body: Mapping[str, Any], *, actor: str = "system") -> ApiKey:
    """The key with the members of ``body``; `expires_in_days` counts from now, null is never.

    Whose it is and what it reaches cannot be changed: holders would not notice.

    Raises: BadEntry, NoSuchEntry; EntryConflict when the key is revoked.
    """
    with transaction.atomic():
        row = _locked(key)
        if row.revoked_at is not None:
            raise EntryConflict("the key is revoked")
        before = {name: getattr(row, name) for name in ("name", "description", "expires_at")}
        problems = stranger_problems(body, known=CHANGEABLE, noun="an API key that exists")
        _take_texts(row, body, problems)
        if "expires_in_days" in body:
            row.expires_at = _expiry(body["expires_in_days"], problems)
        if problems:
            raise BadEntry(problems)
        changed = [name for name, old in before.items() if getattr(row, name) != old]
        if changed:
            row.save(update_fields=changed)
            event = ApiKeyPatched(
                actor_id=actor, id=str(key), name=row.name, fields=",".join(changed)
            )
            record.record(event)
    return row


def revoke_key(key: uuid.UUID, *, actor: str = "system") -> ApiKey:
    """The key opens nothing from the next request on. Revoking it again changes nothing.

    Raises: NoSuchEntry.
    """
    with transaction.atomic():
        row = _locked(key)
        if row.revoked_at is None:
            row.revoked_at = clock.now()
            row.save(update_fields=["revoked_at"])
            record.record(ApiKeyRevoked(actor_id=actor, id=str(key), name=row.name))
    return row


def delete_key(key: uuid.UUID, *, actor: str = "system") -> None:
    """The key is gone, and opens nothing. Raises: NoSuchEntry."""
    with transaction.atomic():
        row = _locked(key)
        row.delete()
        record.record(ApiKeyDeleted(actor_id=actor, id=str(key), name=row.name))


def find_key(key: uuid.UUID) -> ApiKey:
    """Raises: NoSuchEntry."""
    row = ApiKey.objects.select_related("group").filter(pk=key).first()
    if row is None:
        raise NoSuchEntry
    return row


def _locked(key: uuid.UUID) -> ApiKey:
    rows = ApiKey.objects.select_for_update(of=("self",)).select_related("group")
    row = rows.filter(pk=key).first()
    if row is None:
        raise NoSuchEntry
    return row


def _take_texts(row: ApiKey, body: Mapping[str, Any], problems: list[Problem]) -> None:
    row.name = one_line(body.get("name", row.name), at="name", problems=problems)
    described = body.get("description", row.description)
    row.description = one_line(
        "" if described is None else described,
        at="description",
        problems=problems,
        may_be_empty=True,
    )


def _expiry(days: Any, problems: list[Problem]) -> datetime | None:
    if days is None:
        return None
    if type(days) is not int or not 1 <= days <= MOST_DAYS:
        problems.append(Problem("expires_in_days", f"must be 1 to {MOST_DAYS}, or null"))
        return None
    return clock.now() + timedelta(days=days)


def _by_id(value: Any) -> dict[str, Any]:
    """The condition that a row has this id; no row meets that of what is no id at all."""
    return {"pk": id_or_none(value)}
