"""Keys of administrators: made, found and revoked, each change recorded with it."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from admin_api.administrators.errors import BadEntry, BeyondReach, NameTaken, NoSuchKey
from admin_api.administrators.reach import is_within, unknown_entries
from admin_api.models import AdminApiKey
from admin_api.operations import Role
from audit import record
from audit.events import AdminKeyCreated, AdminKeyRevoked
from authplane.core import clock
from authplane.core.hashing import new_secret, sha256_hex
from authplane.core.ids import id_or_none

if TYPE_CHECKING:
    from admin_api.administrators.operator import Operator

PREFIX: Final = "aak_"
SHOWN: Final = 8
NOTE_EVERY: Final = timedelta(minutes=1)
MOST_DAYS: Final = 3650
_KEY: Final = re.compile(r"aak_[A-Za-z0-9_-]{43}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def looks_like_key(text: str) -> bool:
    """It could be one of ours: `aak_` and 256 bits in base64url."""
    return _KEY.fullmatch(text) is not None


def create_key(
    *,
    name: str,
    role: str,
    description: str = "",
    allowed: Collection[str] | None = None,
    expires_in_days: int | None = None,
    actor: str = "system",
    by: Operator | None = None,
) -> tuple[AdminApiKey, str]:
    """A key, and its text, which nothing shows again.

    Without ``allowed`` it may do what its role may. Without ``expires_in_days`` it lasts until it
    is revoked, unless ``by`` who makes it ends earlier: what a key makes does not outlive it, and
    does not reach further.

    Raises: BadEntry, BeyondReach, NameTaken.
    """
    problems = list(_problems(name, role, allowed, expires_in_days))
    if problems:
        raise BadEntry(problems)
    text = PREFIX + new_secret()
    row = AdminApiKey(
        name=name,
        description=description,
        prefix=text[:SHOWN],
        key_hash=sha256_hex(text),
        role=Role(role).value,
        allowed=None if allowed is None else sorted(set(allowed)),
        created_by=actor[:255],
    )
    if expires_in_days is not None:
        row.expires_at = row.created_at + timedelta(days=expires_in_days)
    if by is not None:
        _keep_within(row, by)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            record.record(
                AdminKeyCreated(
                    actor_id=actor, id=str(row.pk), name=row.name, role=row.role,
                    allowed=",".join(row.allowed or ()),
                )
            )  # fmt: skip
    except IntegrityError:
        raise NameTaken from None
    return row, text


def revoke_key(key: str, *, actor: str = "system") -> AdminApiKey:
    """The key of this id or name opens nothing from the next request on. Twice changes nothing.

    Raises: NoSuchKey.
    """
    with transaction.atomic():
        row = AdminApiKey.objects.select_for_update().filter(_named(key)).first()
        if row is None:
            raise NoSuchKey
        if row.revoked_at is None:
            row.revoked_at = clock.now()
            row.save(update_fields=["revoked_at"])
            record.record(AdminKeyRevoked(actor_id=actor, id=str(row.pk), name=row.name))
    return row


def find_key(key: str) -> AdminApiKey:
    """The key of this id or name. Raises: NoSuchKey."""
    row = AdminApiKey.objects.filter(_named(key)).first()
    if row is None:
        raise NoSuchKey
    return row


def presented(text: str) -> AdminApiKey | None:
    """The key whose text this is, usable or not. Read anew each time, so that revoking works."""
    if not looks_like_key(text):
        return None
    return AdminApiKey.objects.filter(key_hash=sha256_hex(text)).first()


def state_of(row: AdminApiKey, *, now: datetime) -> str:
    """`active`, `expired` or `revoked`."""
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "active"


def note_use(row: AdminApiKey, *, now: datetime) -> None:
    """When the key was used last: at most one write a minute, however many use it."""
    if row.last_used_at is not None and now - row.last_used_at < NOTE_EVERY:
        return
    due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - NOTE_EVERY)
    AdminApiKey.objects.filter(due, pk=row.pk).update(last_used_at=now)


def _keep_within(row: AdminApiKey, by: Operator) -> None:
    """Raises: BeyondReach."""
    if not by.role.may(Role(row.role)) or not is_within(row.allowed, by.allowed):
        raise BeyondReach("a key cannot make one that reaches further than itself")
    if by.expires_at is not None:
        row.expires_at = min(row.expires_at or by.expires_at, by.expires_at)


def _named(key: str) -> Q:
    found = id_or_none(key)
    return Q(name=key.replace("\x00", "")) if found is None else Q(pk=found)


def _problems(name: str, role: str, allowed: Collection[str] | None, days: int | None) -> list[str]:
    found = []
    # A name in the form of an id could stand for another key.
    if not _NAME.fullmatch(name) or id_or_none(name) is not None:
        found.append("name must be 1 to 64 letters, digits, dots, dashes and underscores")
    if role not in set(Role):
        found.append(f"role must be one of {', '.join(Role)}")
    if allowed is not None and (not allowed or unknown_entries(allowed)):
        found.append("allowed must be nouns or operations of the operator API, or null")
    if days is not None and not 1 <= days <= MOST_DAYS:
        found.append(f"expires_in_days must be 1 to {MOST_DAYS}, or null")
    return found
