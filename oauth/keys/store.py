"""The keys in use: which one signs, which ones verify, which ones are published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from authplane.core import clock, jose
from oauth.keys import rotation
from oauth.keys.algorithms import PrivateKey, PublicKey
from oauth.keys.record import KeyRecord, KeyUnavailable, active_key, published_keys
from oauth.keys.snapshot import Snapshot, private_key, snapshot


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """The key that signs now."""

    kid: str
    algorithm: str
    private_key: PrivateKey


class VerificationKey(NamedTuple):
    """A key whose signatures count now."""

    algorithm: str
    public_key: PublicKey


@dataclass(frozen=True, slots=True)
class KeysInForce:
    """What the known keys amount to from ``since`` until ``until``, when a date of one passes."""

    known: Snapshot
    since: datetime
    until: datetime | None
    active: KeyRecord | None
    published: tuple[KeyRecord, ...]
    verification: dict[str, VerificationKey]


def signing_key() -> LoadedKey:
    """The key that signs now. The first request of all makes it when nothing else has.

    Raises: KeyUnavailable when it cannot be opened.
    """
    present = keys_in_force()
    if present.active is None:
        rotation.ensure_first_key()
        present = keys_in_force()
    active = present.active
    if active is None:
        raise KeyUnavailable("there is no signing key; run: manage.py rotate_keys")
    key = private_key(present.known, kid=active.kid)
    return LoadedKey(kid=active.kid, algorithm=active.algorithm, private_key=key)


def verification_keys() -> dict[str, VerificationKey]:
    """The keys by id with which signatures of ours are checked."""
    return keys_in_force().verification


def public_jwks() -> list[dict[str, Any]]:
    """The published keys as the key document lists them, the active one first."""
    return [
        key.public_jwk | {"kid": key.kid, "alg": key.algorithm, "use": "sig"}
        for key in keys_in_force().published
    ]


def keys_in_force() -> KeysInForce:
    """The keys by what they are for now. No statement unless the keys were read long ago."""
    global _in_force  # noqa: PLW0603 - the one remembered answer of this process
    known, now, before = snapshot(), clock.now(), _in_force
    if (
        before is not None
        and before.known is known
        and before.since <= now
        and (before.until is None or now < before.until)
    ):
        return before
    present = _evaluate(known, now=now)
    _in_force = present
    return present


_in_force: KeysInForce | None = None


def _evaluate(known: Snapshot, *, now: datetime) -> KeysInForce:
    published = tuple(published_keys(known.keys, now=now))
    dates = (
        date
        for key in known.keys
        for date in (key.activates_at, key.expires_at, key.withdrawn_at)
        if date is not None and date > now
    )
    return KeysInForce(
        known=known,
        since=now,
        until=min(dates, default=None),
        active=active_key(known.keys, now=now),
        published=published,
        verification={
            key.kid: VerificationKey(
                key.algorithm, jose.public_key(key.public_jwk, algorithm=key.algorithm)
            )
            for key in published
        },
    )
