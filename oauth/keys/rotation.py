"""How keys follow one another.

A planned rotation publishes a key first and lets it sign once every verifier had time to fetch it.
An immediate one, for a leaked key, signs with the new key at once.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from audit import record
from audit.events import KeyRotated
from authplane.core import clock, jose
from authplane.core.config import config
from authplane.core.metrics import counter
from oauth.keys import algorithms
from oauth.keys.record import KeyRecord, State, active_key, state_of, upcoming_key
from oauth.keys.snapshot import driver, drop

if TYPE_CHECKING:
    from oauth.keys.record import KeyStore

TICK: Final = timedelta(microseconds=1)
STALE_SIGNERS: Final = timedelta(minutes=5)
"""How long after its end a replaced key may still be held by a process that signs with it."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation led to. `changed` is False when the next key was already waiting."""

    kid: str
    algorithm: str
    state: State
    activates_at: datetime
    changed: bool
    withdrawn: tuple[str, ...] = ()


def ensure_first_key() -> KeyRecord:
    """A key signs; it is new when there was none.

    Raises: KeyUnavailable.
    """
    store = driver()
    with store.exclusive():
        present = active_key(store.read(), now=clock.now())
        if present is None:
            present = _add_key(store, activates_at=clock.now())
            _record(present, immediate=True)
    drop()
    return present


def rotate(*, immediate: bool = False, withdraw: bool = False, actor: str = "system") -> Rotation:
    """Another key signs: at once, or as soon as no verifier can still hold a document without it.

    A planned rotation while the next key already waits changes nothing, so that two at once end
    with one next key. `withdraw` ends every earlier key at once: whoever could copy the active
    one could copy those kept beside it, and nothing signed before counts any more.

    Raises: KeyUnavailable.
    """
    if withdraw and not immediate:
        raise ValueError("only an immediate rotation can withdraw the keys before it")
    store = driver()
    with store.exclusive():
        done = (
            _replace_now(store, withdraw=withdraw, actor=actor)
            if immediate
            else _plan_next(store, actor=actor)
        )
    drop()
    return done


def rotate_if_due(now: datetime) -> Rotation | None:
    """The next key is published when the active one nears its age limit; None when not due.

    Private parts of keys that were replaced long ago are forgotten on the way.
    """
    store = driver()
    forget_replaced(now)
    interval = config().signing.rotation_interval
    keys = store.read()
    active = active_key(keys, now=now)
    if active is None:
        ensure_first_key()
        return None
    if not interval or upcoming_key(keys, now=now) is not None:
        return None
    due = active.activates_at + timedelta(seconds=interval - config().signing.jwks_max_age)
    return rotate() if now >= due else None


def forget_replaced(now: datetime) -> int:
    """Keys that no process can still be signing with lose their private part; how many did.

    Signatures made before stay valid as long as the public part is published.
    """
    store = driver()
    earlier = now - STALE_SIGNERS
    with store.exclusive():
        keys = store.read()
        over = [key.kid for key in keys if _replaced_before(key, earlier, among=keys)]
        return store.forget_private_parts(over)


def rewrap_keys() -> int:
    """Every private part is sealed under the present data key; how many were not before.

    Raises: KeyUnavailable.
    """
    return driver().rewrap()


def require_usable_key() -> None:
    """The key that signs can be opened, if there is one.

    Raises: KeyUnavailable.
    """
    store = driver()
    active = active_key(store.read(), now=clock.now())
    if active is not None:
        store.private_part(active.kid)


def _plan_next(store: KeyStore, *, actor: str) -> Rotation:
    keys, now = store.read(), clock.now()
    active, waiting = active_key(keys, now=now), upcoming_key(keys, now=now)
    if active is None:
        return _outcome(_start(store, actor=actor), now=now)
    if waiting is not None and waiting.algorithm == config().signing.algorithm:
        return _outcome(waiting, now=now, changed=False)
    if waiting is not None:
        # It was made before the algorithm was changed, and has signed nothing yet.
        store.redate(dataclasses.replace(waiting, withdrawn_at=now))
    start = max(now, active.activates_at) + timedelta(seconds=config().signing.jwks_max_age)
    added = _add_key(store, activates_at=start)
    store.redate(dataclasses.replace(active, expires_at=end_of_service(start)))
    _record(added, immediate=False, actor=actor)
    return _outcome(added, now=now)


def _replace_now(store: KeyStore, *, withdraw: bool, actor: str) -> Rotation:
    keys, now = store.read(), clock.now()
    active, waiting = active_key(keys, now=now), upcoming_key(keys, now=now)
    # A clock that runs behind must not place the new key before the one it replaces.
    start = max(now, active.activates_at + TICK) if active else now
    alive = [key for key in keys if state_of(key, among=keys, now=now) is not State.RETIRED]
    if waiting is not None and not withdraw and waiting.algorithm == config().signing.algorithm:
        chosen = dataclasses.replace(waiting, activates_at=start)
        store.redate(chosen)
    else:
        chosen = _add_key(store, activates_at=start)
    ended = []
    for key in alive:
        if key.kid == chosen.kid:
            continue
        if withdraw or key is waiting:
            store.redate(dataclasses.replace(key, withdrawn_at=now))
            ended.append(key.kid)
        elif key is active:
            store.redate(dataclasses.replace(key, expires_at=end_of_service(start)))
    if withdraw:
        store.forget_private_parts(ended)
    _record(chosen, immediate=True, actor=actor)
    return _outcome(chosen, now=start, withdrawn=tuple(ended))


def _start(store: KeyStore, *, actor: str) -> KeyRecord:
    added = _add_key(store, activates_at=clock.now())
    _record(added, immediate=True, actor=actor)
    return added


def _add_key(store: KeyStore, *, activates_at: datetime) -> KeyRecord:
    """A new key is kept. Its id is the thumbprint of its public part."""
    algorithm = config().signing.algorithm
    private = algorithms.new_private_key(algorithm)
    public = algorithms.public_jwk(private.public_key())
    key = KeyRecord(
        kid=jose.thumbprint(public),
        algorithm=algorithm,
        public_jwk=public,
        created_at=clock.now(),
        activates_at=activates_at,
    )
    store.add(key, private=algorithms.encode_private_key(private))
    return key


def end_of_service(start: datetime) -> datetime:
    """When a key that is replaced at ``start`` leaves the key document."""
    tokens, signing = config().tokens, config().signing
    longest = max(tokens.access_ttl, tokens.machine_ttl, tokens.exchange_ttl, tokens.xaa_ttl)
    stay = max(signing.retire_after, longest + tokens.clock_skew)
    return start + timedelta(seconds=stay)


def _replaced_before(key: KeyRecord, moment: datetime, *, among: list[KeyRecord]) -> bool:
    """Whether another key took over from ``key``, or it ended, before ``moment``."""
    if key.withdrawn_at is not None:
        return key.withdrawn_at < moment
    return any(
        key.activates_at < other.activates_at < moment and other.withdrawn_at is None
        for other in among
    )


def _record(key: KeyRecord, *, immediate: bool, actor: str = "system") -> None:
    counter("authserver_key_rotation_total").inc()
    record.record(KeyRotated(actor_id=actor, kid=key.kid, alg=key.algorithm, immediate=immediate))


def _outcome(
    key: KeyRecord, *, now: datetime, changed: bool = True, withdrawn: tuple[str, ...] = ()
) -> Rotation:
    state = State.ACTIVE if key.activates_at <= now else State.UPCOMING
    return Rotation(key.kid, key.algorithm, state, key.activates_at, changed, withdrawn)
