"""A signing key as the drivers hold it, its state at a given time, and the port of the drivers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class KeyUnavailable(Exception):
    """A signing key is missing or cannot be read. The text is for operators, never for the wire."""


class State(StrEnum):
    """Where a key stands between its making and its end."""

    UPCOMING = "upcoming"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """Everything about a key but its private part.

    `expires_at` is known once a successor is; `withdrawn_at` ends the key whatever the other
    dates say.
    """

    kid: str
    algorithm: str
    public_jwk: dict[str, Any]
    created_at: datetime
    activates_at: datetime
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None


def state_of(key: KeyRecord, *, among: list[KeyRecord], now: datetime) -> State:
    """The state of ``key`` at ``now``, given all keys. Exactly one key can be active."""
    if _has_ended(key, now=now):
        return State.RETIRED
    if key.activates_at > now:
        return State.UPCOMING
    return State.ACTIVE if key is active_key(among, now=now) else State.RETIRING


def active_key(keys: list[KeyRecord], *, now: datetime) -> KeyRecord | None:
    """The key that signs at ``now``: the latest that has been activated and has not ended."""
    candidates = [key for key in keys if key.activates_at <= now and not _has_ended(key, now=now)]
    return max(candidates, key=lambda key: (key.activates_at, key.kid), default=None)


def upcoming_key(keys: list[KeyRecord], *, now: datetime) -> KeyRecord | None:
    """The next key that will be activated."""
    waiting = [key for key in keys if key.activates_at > now and not _has_ended(key, now=now)]
    return min(waiting, key=lambda key: (key.activates_at, key.kid), default=None)


def published_keys(keys: list[KeyRecord], *, now: datetime) -> list[KeyRecord]:
    """The keys of the key document: the active one first, then the newest."""
    active = active_key(keys, now=now)
    alive = [key for key in keys if not _has_ended(key, now=now)]
    return sorted(alive, key=lambda key: (key is not active, -key.activates_at.timestamp()))


def _has_ended(key: KeyRecord, *, now: datetime) -> bool:
    return (key.withdrawn_at is not None and key.withdrawn_at <= now) or (
        key.expires_at is not None and key.expires_at <= now
    )


class KeyStore(Protocol):
    """Where keys are kept. Private parts enter and leave as DER; a driver keeps them sealed."""

    def read(self) -> list[KeyRecord]:
        """All keys that have not been forgotten.

        Raises: KeyUnavailable.
        """
        ...

    def private_part(self, kid: str) -> bytes:
        """The private part of one key.

        Raises: KeyUnavailable when it is gone or the data key does not open it.
        """
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """One process at a time is inside; what it wrote is visible to the next."""
        ...

    def add(self, key: KeyRecord, *, private: bytes) -> None:
        """The key is kept. Only inside ``exclusive``."""
        ...

    def redate(self, key: KeyRecord) -> None:
        """The dates of the key are those of ``key``. Only inside ``exclusive``."""
        ...

    def forget_private_parts(self, kids: list[str]) -> int:
        """These keys can never sign again; how many could before. Only inside ``exclusive``."""
        ...

    def rewrap(self) -> int:
        """Every private part is sealed under the present data key; how many were not before.

        Raises: KeyUnavailable.
        """
        ...
