"""The published keys of other issuers: fetched guarded, kept for a while, renewed on rotation.

Kept in the process: a set is the same for everyone, costs one request an hour, and may be lost at
any time. Outage and attack are bounded in both directions: an issuer that is away is asked again
after half a minute, keys nobody could renew count for one more hour, and whoever invents key ids
makes each process fetch once a minute, whatever the number of requests.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from authplane.core.cache import TimedCache
from authplane.core.config import config
from authplane.core.jose import ASYMMETRIC, JoseError, unverified_header, verify_jws
from authplane.core.metrics import counter
from oauth.clients import fetching
from oauth.clients.jwks import jwks_problem, public_members
from oauth.errors import OAuthError, Reason

log = logging.getLogger(__name__)

Keys = list[dict[str, Any]]

STALE_FOR: Final = timedelta(hours=1)
"""How long keys count after their time while nobody can fetch them anew."""
SECONDS_BETWEEN_SEARCHES: Final = 60
SECONDS_AFTER_FAILURE: Final = fetching.SECONDS_AFTER_FAILURE
SECONDS_WAITED: Final = 1
"""How long a request waits for another one that is fetching the same keys. Most answers come
within it; a slow issuer must not keep all threads of a process waiting."""
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
MAX_BYTES: Final = 512 * 1024
MAX_KEYS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Where the keys of ``issuer`` are: published at ``jwks_uri``, or given as ``inline``.

    ``marked`` is a `use` that means signing at this kind of issuer besides `sig`.
    ``private_hosts`` may live at private addresses besides those of the XAA settings, and ``http``
    does without TLS.
    """

    issuer: str
    jwks_uri: str = ""
    inline: Mapping[str, Any] | None = None
    marked: str = ""
    private_hosts: tuple[str, ...] = ()
    http: bool = False


class KeysRejected(Exception):
    """What was given or published as a key set cannot be used; the text says why."""


def verify_signed(
    token: str,
    *,
    source: KeySource,
    algorithms: Collection[str],
    types: Collection[str],
    now: datetime,
) -> dict[str, Any]:
    """The claims of ``token``, signed by a key of ``source``. Times and audience are not checked.

    A signature that no known key made may come from a key that is newer than what we have: the
    keys are then fetched anew, once a minute.

    Spec: RFC 7515 section 5.2; RFC 8725 section 3.1.
    Raises: JoseError; OAuthError(ISSUER_KEYS_UNAVAILABLE) when there are no keys to be had.
    """
    header = unverified_header(token)
    if header.get("alg") not in algorithms:
        # Before anybody is asked for keys: nonsense makes no request.
        raise JoseError("algorithm is not accepted")
    keys = keys_for(source, now=now)
    try:
        return verify_jws(token, keys=keys, algorithms=algorithms, typ=types)
    except JoseError:
        if any(key.get("kid") == header.get("kid") for key in keys if "kid" in key):
            raise
        renewed = keys_after_search(source, known=keys, now=now)
        if renewed is None:
            raise
    return verify_jws(token, keys=renewed, algorithms=algorithms, typ=types)


def keys_for(source: KeySource, *, now: datetime) -> Keys:
    """The usable public keys of ``source``, at most `xaa.jwks_cache_ttl` old where it can be had.

    Raises: OAuthError(ISSUER_KEYS_UNAVAILABLE).
    """
    if source.inline is not None:
        return _given(source)
    slot = _slot_of(source)
    held = slot.held
    if held is not None and now < _fresh_until(held):
        counter("authserver_oidc_jwks_cache_hits_total").inc()
        return held.keys
    counter("authserver_oidc_jwks_cache_misses_total").inc()
    if now >= slot.retry_at and _renew(source, slot, now=now, waits=held is None):
        held = slot.held
    if held is None or slot.is_rejected or now >= _fresh_until(held) + STALE_FOR:
        raise _unavailable(retry_after=SECONDS_AFTER_FAILURE)
    return held.keys


def keys_after_search(source: KeySource, *, known: Keys, now: datetime) -> Keys | None:
    """The keys, because a token names one that is not ``known``; None when there are no others.

    They are fetched anew unless somebody else just did. Whoever comes while another one fetches
    waits for its result.

    Raises: OAuthError(ISSUER_KEYS_UNAVAILABLE) when it cannot wait.
    """
    if source.inline is not None:
        return None
    slot = _slot_of(source)
    if slot.held is None or slot.held.keys == known:
        _renew(source, slot, now=now, waits=True, is_search=True)
    held = slot.held
    return None if held is None or held.keys == known else held.keys


def refetch(source: KeySource, *, now: datetime) -> int:
    """The keys are what is published now, in every process; how many are usable.

    Raises: KeysRejected with what is wrong with the answer; fetching.Unavailable.
    """
    _slots.drop(_name_of(source))
    keys = _published(source)
    _slot_of(source).held = _Held(keys, now)
    return len(keys)


def drop(source: KeySource) -> None:
    """No process knows the keys any more."""
    _slots.drop(_name_of(source))


def accepted(document: object, *, marked: str = "") -> Keys:
    """The keys of a set that can verify signatures here, with what verification needs of them.

    Raises: KeysRejected: no key set, none usable, or a private or symmetric key among them. An
    issuer that publishes a private key has lost it; with a symmetric one everybody could sign.
    """
    normal = _with_usual_use(document, marked=marked) if marked else document
    problem = jwks_problem(normal, algorithms=ASYMMETRIC, max_keys=MAX_KEYS)
    if problem is not None or not isinstance(normal, dict):
        raise KeysRejected(problem or "jwks must be a JSON Web Key Set")
    return list(public_members(normal, algorithms=ASYMMETRIC)["keys"])


@dataclass(frozen=True, slots=True)
class _Held:
    keys: Keys
    at: datetime


@dataclass(slots=True, eq=False)
class _Slot:
    """What this process holds of one key set; `lock` is held by the thread that fetches it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    held: _Held | None = None
    is_rejected: bool = False
    retry_at: datetime = LONG_AGO
    search_at: datetime = LONG_AGO


_slots: TimedCache[str, _Slot] = TimedCache("issuer_keys", ttl=86400.0, load=lambda _uri: _Slot())
_making = threading.Lock()


def _slot_of(source: KeySource) -> _Slot:
    with _making:
        return _slots.get(_name_of(source))


def _name_of(source: KeySource) -> str:
    return f"{source.marked} {source.jwks_uri}"


def _fresh_until(held: _Held) -> datetime:
    return held.at + timedelta(seconds=config().xaa.jwks_cache_ttl)


def _renew(
    source: KeySource, slot: _Slot, *, now: datetime, waits: bool, is_search: bool = False
) -> bool:
    """The slot holds what is published now. One thread at a time fetches; ``waits`` for it.

    Raises: OAuthError(ISSUER_KEYS_UNAVAILABLE) when it cannot wait for another one.
    """
    if not slot.lock.acquire(blocking=False):
        if waits:
            _wait_for(slot)
        return waits
    try:
        if is_search:
            if now < max(slot.search_at, slot.retry_at):
                return False
            slot.search_at = now + timedelta(seconds=SECONDS_BETWEEN_SEARCHES)
        return _fetch_into(slot, source, now=now)
    finally:
        slot.lock.release()


def _wait_for(slot: _Slot) -> None:
    """Another thread has finished, soon enough that waiting for it holds up nobody for long.

    Raises: OAuthError(ISSUER_KEYS_UNAVAILABLE): what it finds may be the key that is missing.
    """
    if not slot.lock.acquire(timeout=SECONDS_WAITED):
        raise _unavailable(retry_after=SECONDS_WAITED)
    slot.lock.release()


def _unavailable(*, retry_after: int) -> OAuthError:
    headers = {"Retry-After": str(retry_after)}
    return OAuthError(Reason.ISSUER_KEYS_UNAVAILABLE, headers=headers)


def _fetch_into(slot: _Slot, source: KeySource, *, now: datetime) -> bool:
    try:
        slot.held = _Held(_published(source), now)
    except (fetching.Unavailable, KeysRejected) as failure:
        # Keys that are still fresh go on; stale ones end when the issuer itself withdrew them.
        slot.is_rejected = slot.is_rejected or isinstance(failure, KeysRejected)
        slot.retry_at = now + timedelta(seconds=SECONDS_AFTER_FAILURE)
        log.warning(
            "keys of an issuer not fetched", extra={"issuer": source.issuer, "cause": str(failure)}
        )
        return False
    slot.is_rejected = False
    return True


def _published(source: KeySource) -> Keys:
    """Raises: KeysRejected, fetching.Unavailable."""
    try:
        answer = fetching.fetch_published(
            source.jwks_uri,
            max_bytes=MAX_BYTES,
            private_hosts=(*config().xaa.allowed_private_hosts, *source.private_hosts),
            http=source.http,
        )
    except fetching.Rejected as refusal:
        raise KeysRejected(str(refusal)) from None
    return accepted(answer.json, marked=source.marked)


def _given(source: KeySource) -> Keys:
    try:
        return accepted(source.inline, marked=source.marked)
    except KeysRejected:
        raise OAuthError(Reason.ISSUER_KEYS_UNAVAILABLE) from None


def _with_usual_use(document: object, *, marked: str) -> object:
    """The same key set with ``marked`` spelled `sig`, as RFC 7517 section 4.2 calls it."""
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        return document
    return {
        "keys": [
            key | {"use": "sig"} if isinstance(key, dict) and key.get("use") == marked else key
            for key in keys
        ]
    }
