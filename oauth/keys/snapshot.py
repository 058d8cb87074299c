"""The keys as this process knows them: read seldom, forgotten everywhere when they change."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.db import InterfaceError, OperationalError

from authplane.core import clock
from authplane.core.cache import TimedCache, drop_on_commit
from authplane.core.config import config
from authplane.core.metrics import histogram
from oauth.keys.algorithms import PrivateKey, decode_private_key
from oauth.keys.database import DatabaseKeyStore
from oauth.keys.keyfile import KeyFileStore
from oauth.keys.record import (
    KeyRecord,
    KeyStore,
    KeyUnavailable,
    active_key,
    upcoming_key,
)

SECONDS_UNTIL_SEEN: Final = 2.0
"""How long a process may miss a rotation when nothing announces it to the others."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All keys as they were read at one moment, with the private keys opened so far."""

    keys: list[KeyRecord]
    private: dict[str, PrivateKey] = field(default_factory=dict)


def driver() -> KeyStore:
    """Where keys are kept by configuration."""
    signing = config().signing
    if signing.key_store == "keyfile":
        return KeyFileStore(Path(signing.key_path))
    return DatabaseKeyStore()


def snapshot() -> Snapshot:
    """The keys, at most two seconds old."""
    return _snapshots.get(_place())


def drop() -> None:
    """This process reads the keys anew at once, every other one when the change is committed."""
    _snapshots.forget(_place())
    drop_on_commit(_snapshots, _place())


def private_key(known: Snapshot, *, kid: str) -> PrivateKey:
    """The key object, opened once per process.

    Raises: KeyUnavailable.
    """
    key = known.private.get(kid)
    if key is None:
        key = known.private[kid] = decode_private_key(driver().private_part(kid))
    return key


def _place() -> str:
    signing = config().signing
    return f"{signing.key_store}:{signing.key_path}"


_latest: dict[str, Snapshot] = {}


def _load(place: str) -> Snapshot:
    """What the driver holds now. While the database is away, what it held last.

    Resource servers verify tokens with the published keys; an outage of the database must not
    become one of theirs.
    """
    started = time.perf_counter()
    before = _latest.get(place)
    try:
        keys = driver().read()
    except (OperationalError, InterfaceError):
        if before is None:
            raise
        log.warning("signing keys not read; the known ones stay in use")
        return before
    histogram("authserver_key_reload_duration_seconds").observe(time.perf_counter() - started)
    if before is not None and before.keys == keys:
        return before
    kept = before.private if before else {}
    read = Snapshot(keys, {key.kid: kept[key.kid] for key in keys if key.kid in kept})
    _open_in_advance(read)
    _latest[place] = read
    return read


def _open_in_advance(read: Snapshot) -> None:
    """The keys that sign now or next are open before a request needs them."""
    now = clock.now()
    for key in (active_key(read.keys, now=now), upcoming_key(read.keys, now=now)):
        if key is None:
            continue
        try:
            private_key(read, kid=key.kid)
        except KeyUnavailable as error:
            log.error("signing key unavailable", extra={"kid": key.kid, "cause": str(error)})  # noqa: TRY400


_snapshots: TimedCache[str, Snapshot] = TimedCache(
    "signing_keys", ttl=SECONDS_UNTIL_SEEN, load=_load
)
