"""Whether a key opens a proxy right now."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import FilteredRelation, Q

from authplane.accounts.models import User
from authplane.core import ratelimit
from authplane.core.ratelimit import Verdict
from broker.keys.secret import hash_of, is_key
from broker.models import ApiKey

NOTE_EVERY: Final = timedelta(minutes=1)
MINUTE: Final = 60


class KeyRefused(Exception):
    """The key does not open the proxy; subclasses say what the caller learns."""

    def __init__(self, reason: str, *, key_id: uuid.UUID | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.key_id = key_id


class KeyInvalid(KeyRefused):
    """The key counts nowhere (401)."""


class NoAccess(KeyRefused):
    """The key is good, and not for this proxy (403)."""


class TooOften(KeyRefused):
    """The key's minute at this proxy is used up (429)."""

    def __init__(self, verdict: Verdict, *, key_id: uuid.UUID) -> None:
        super().__init__("rate_limited", key_id=key_id)
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """The user that a key stands for."""

    key_id: uuid.UUID
    user_id: uuid.UUID


def admit(key: str, *, proxy_id: int, now: datetime) -> KeyHolder:
    """Whose key it is, with one request of its minute taken.

    In the order of the contract: the key and its user, its group, the proxy, and last the limit,
    so that nobody uses up a budget with a key that is refused anyway. Read anew each time: what was
    revoked opens nothing from the next request on.

    Raises: KeyInvalid, NoAccess, TooOften.
    """
    if not is_key(key):
        raise KeyInvalid("malformed")
    found = (
        ApiKey.objects.filter(key_hash=hash_of(key))
        .annotate(
            here=FilteredRelation("group__access", condition=Q(group__access__proxy_id=proxy_id))
        )
        .values_list(
            "pk", "user_id", "user__status", "revoked_at", "expires_at", "last_used_at",
            "group__enabled", "here__id", "here__requests_per_minute",
        )
        .first()
    )  # fmt: skip
    if found is None:
        raise KeyInvalid("unknown")
    row, user, status, revoked, expires, used, is_open, access, limit = found
    if revoked is not None:
        raise KeyInvalid("revoked", key_id=row)
    if expires is not None and expires <= now:
        raise KeyInvalid("expired", key_id=row)
    if status != User.Status.ACTIVE:
        raise KeyInvalid("user_inactive", key_id=row)
    if not is_open:
        raise NoAccess("group_disabled", key_id=row)
    if access is None:
        raise NoAccess("no_access", key_id=row)
    if limit is not None:
        _take(row, proxy_id=proxy_id, limit=limit)
    if used is None or now - used >= NOTE_EVERY:
        _note_use(row, now=now)
    return KeyHolder(row, user)


def _take(key_id: uuid.UUID, *, proxy_id: int, limit: int) -> None:
    """A bucket for each key at each proxy: it holds a minute's worth and fills evenly."""
    verdict = ratelimit.take("api-key", f"{key_id}:{proxy_id}", rate=limit / MINUTE, burst=limit)
    if not verdict.allowed:
        raise TooOften(verdict, key_id=key_id)


def _note_use(key_id: uuid.UUID, *, now: datetime) -> None:
    """When the key was used last, at most a write a minute however many use it."""
    due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - NOTE_EVERY)
    ApiKey.objects.filter(due, pk=key_id).update(last_used_at=now)
