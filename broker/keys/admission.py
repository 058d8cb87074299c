"""Whether a key opens a proxy right now."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from authplane.accounts.models import User
from authplane.core import ratelimit
from authplane.core.ratelimit import Verdict
from broker.keys.secret import hash_of, is_key
from broker.models import ApiKey

NOTE_EVERY: Final = timedelta(minutes=1)
MINUTE: Final = 60

# On every request of the data plane: to have the same text made anew costs more than to run it.
_QUERY: Final = """
SELECT stored.id, stored.user_id, stored.revoked_at, stored.expires_at, stored.last_used_at,
       holder.status AS user_status, grp.enabled AS group_enabled,
       access.id AS access_id, access.requests_per_minute AS access_limit
FROM broker_apikey stored
JOIN accounts_user holder ON holder.id = stored.user_id
JOIN broker_accessgroup grp ON grp.id = stored.group_id
LEFT JOIN broker_groupproxyaccess access
    ON access.group_id = stored.group_id AND access.proxy_id = %s
WHERE stored.key_hash = %s
"""


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
    row: Any = next(iter(ApiKey.objects.raw(_QUERY, [proxy_id, hash_of(key)])), None)
    if row is None:
        raise KeyInvalid("unknown")
    _require_valid(row, now=now)
    if not row.group_enabled:
        raise NoAccess("group_disabled", key_id=row.pk)
    if row.access_id is None:
        raise NoAccess("no_access", key_id=row.pk)
    if row.access_limit is not None:
        _take(row.pk, proxy_id=proxy_id, limit=row.access_limit)
    if row.last_used_at is None or now - row.last_used_at >= NOTE_EVERY:
        _note_use(row.pk, now=now)
    return KeyHolder(row.pk, row.user_id)


def _require_valid(row: Any, *, now: datetime) -> None:
    """Raises: KeyInvalid."""
    if row.revoked_at is not None:
        raise KeyInvalid("revoked", key_id=row.pk)
    if row.expires_at is not None and row.expires_at <= now:
        raise KeyInvalid("expired", key_id=row.pk)
    if row.user_status != User.Status.ACTIVE:
        raise KeyInvalid("user_inactive", key_id=row.pk)


def _take(key_id: uuid.UUID, *, proxy_id: int, limit: int) -> None:
    """A bucket for each key at each proxy: it holds a minute's worth and fills evenly."""
    verdict = ratelimit.take("api-key", f"{key_id}:{proxy_id}", rate=limit / MINUTE, burst=limit)
    if not verdict.allowed:
        raise TooOften(verdict, key_id=key_id)


def _note_use(key_id: uuid.UUID, *, now: datetime) -> None:
    """When the key was used last, at most a write a minute however many use it."""
    due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - NOTE_EVERY)
    ApiKey.objects.filter(due, pk=key_id).update(last_used_at=now)
