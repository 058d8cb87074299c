"""Fetch what a client published about itself: guarded, one fetch per address, few at once.

Anybody can make this server fetch by naming a URL, so the cost of an attempt is bounded in every
direction: per URL, per host, per process and over all replicas. Nothing here decides what a
document means.
"""

import logging
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core import fetch, leases
from authplane.core.config import config
from authplane.core.hashing import b64url, sha256
from authplane.core.metrics import counter, histogram

log = logging.getLogger(__name__)

SECONDS_AFTER_FAILURE: Final = 30
THREADS: Final = 3
"""Threads of one process that may fetch at once. One of the usual four always stays free for
everybody else, however slowly the hosts that an attacker names answer."""

UNSTATED_LIFE: Final = 3600
GRACE: Final = 5
MAX_ETAG: Final = 255
OK, NOT_MODIFIED = 200, 304
PASSING: Final = frozenset({408, 425, 429})
SERVER_FAULT: Final = 500
LASTING_FAILURES: Final = frozenset({"answer is too large", "answer is compressed"})

_threads = threading.BoundedSemaphore(THREADS)


class Unavailable(Exception):
    """Nothing can be said at present: an outage, or one of our own limits."""


class Rejected(Exception):
    """An answer that is none: the address or what stands there is not acceptable."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A fetched JSON document. `json` is None when it has not changed since `etag`."""

    json: Any
    etag: str
    lifetime: int


def fetch_published(
    url: str,
    *,
    etag: str = "",
    max_bytes: int = 0,
    private_hosts: Collection[str] = (),
    http: bool = False,
) -> Answer:
    """The JSON document at ``url``, and for how many seconds it may be kept.

    ``max_bytes`` takes the place of the usual limit of a client's document. For what administrators
    registered, ``private_hosts`` are further hosts that may live at private addresses, and ``http``
    does without TLS.

    An outage is remembered for 30 seconds, during which the whole host is not asked again.

    Spec: draft-ietf-oauth-client-id-metadata-document-02 section 4 (only 200 counts, no redirects,
    failures are not cached as documents) and its section on SSRF.
    Raises: Unavailable, Rejected.
    """
    host = urlsplit(url).hostname or ""
    if leases.is_claimed(_failed(url)):
        raise _suppressed("negative_cache")
    if leases.is_claimed(_failing(host)):
        raise _suppressed("host_failing")
    try:
        with _one_of_few(), _timed():
            return _fetch(
                url, etag=etag, max_bytes=max_bytes, private_hosts=private_hosts, http=http
            )
    except fetch.FetchRefused as refused:
        reason = refused.reason
    except fetch.FetchFailed as failed:
        if failed.reason not in LASTING_FAILURES:
            leases.claim(_failing(host), ttl=SECONDS_AFTER_FAILURE)
            raise Unavailable(failed.reason) from None
        reason = failed.reason
    raise Rejected(reason)


def remember_failure(url: str) -> None:
    """``url`` is not asked again for 30 seconds: what it said was of no use.

    For the caller, who knows whether the document was any good.
    """
    leases.claim(_failed(url), ttl=SECONDS_AFTER_FAILURE)


def claim_turn(url: str) -> leases.Lease | None:
    """The right to fetch ``url``, which one worker of all replicas has at a time."""
    return leases.claim(f"fetch:{url}", ttl=config().cimd.fetch_timeout + GRACE)


def is_being_fetched(url: str) -> bool:
    """Whether some worker has that right now."""
    return leases.is_claimed(f"fetch:{url}")


def _fetch(
    url: str, *, etag: str, max_bytes: int, private_hosts: Collection[str], http: bool
) -> Answer:
    limits = config().cimd
    fetched = fetch.fetch_json(
        url,
        max_bytes=max_bytes or limits.max_bytes,
        timeout=limits.fetch_timeout,
        etag=etag,
        allowed_private_hosts={*limits.allowed_private_hosts, *private_hosts},
        allow_private=limits.allow_private_addresses,
        allow_http=http or not limits.require_https,
    )
    lifetime = kept_for(fetched.headers, now=time.time())
    if etag and fetched.status == NOT_MODIFIED:
        return Answer(None, etag, lifetime)
    if fetched.status in PASSING or fetched.status >= SERVER_FAULT:
        raise fetch.FetchFailed("the host has a fault of its own")
    if fetched.status != OK:
        raise Rejected("status is not 200")
    if not is_json_type(fetched.headers.get("content-type", "")):
        raise Rejected("content type is not JSON")
    if fetched.json is None:
        raise Rejected("body is not JSON")
    return Answer(fetched.json, _usable_etag(fetched.headers), lifetime)


def is_json_type(content_type: str) -> bool:
    """``application/json`` or ``application/...+json``, whatever its parameters."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def kept_for(
    headers: Mapping[str, str], *, now: float, bounds: tuple[int, int] | None = None
) -> int:
    """Seconds for which an answer is fresh, within ``bounds``: the configured floor and ceiling.

    An answer that must not be stored is kept for the floor: without one, every visitor of every
    client could make us fetch.

    Spec: RFC 9111 sections 4.2.1 and 5.2.2.
    """
    low, high = bounds or (config().cimd.cache_min, config().cimd.cache_max)
    return max(low, min(high, _stated_life(headers, now=now)))


def _stated_life(headers: Mapping[str, str], *, now: float) -> int:
    directives = [part.strip().lower() for part in headers.get("cache-control", "").split(",")]
    if "no-store" in directives or "no-cache" in directives:
        return 0
    for directive in directives:
        name, _, value = directive.partition("=")
        seconds = value.strip('"')
        if name == "max-age":
            return max(0, _number(seconds) - _number(headers.get("age", "")))
    if "expires" not in headers:
        return UNSTATED_LIFE
    expires, date = _moment(headers["expires"]), _moment(headers.get("date", ""))
    if expires is None:
        return 0
    return max(0, int(expires - (date or now)))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0  # noqa: PLR2004


def _moment(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware: datetime = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.timestamp()


def _usable_etag(headers: Mapping[str, str]) -> str:
    etag = headers.get("etag", "")
    return etag if len(etag) <= MAX_ETAG and etag.isascii() and etag.isprintable() else ""


@contextmanager
def _one_of_few() -> Iterator[None]:
    """One of the fetches that run at the same time, here and over all replicas.

    Raises: Unavailable.
    """
    with one_of_few_threads():
        limits = config().cimd
        slot = leases.claim("fetches", ttl=limits.fetch_timeout + GRACE, slots=limits.max_in_flight)
        if slot is None:
            raise _suppressed("in_flight_limit")
        try:
            yield
        finally:
            slot.release()


@contextmanager
def one_of_few_threads() -> Iterator[None]:
    """One of the threads of this process that may wait for others' hosts.

    Raises: Unavailable.
    """
    if not _threads.acquire(blocking=False):
        raise _suppressed("process_busy")
    try:
        yield
    finally:
        _threads.release()


@contextmanager
def _timed() -> Iterator[None]:
    with histogram("authserver_cimd_fetch_duration_seconds").time():
        yield


def _suppressed(reason: str) -> Unavailable:
    counter("authserver_cimd_fetch_suppressed_total").labels(reason=reason).inc()
    return Unavailable(reason)


def _failed(url: str) -> str:
    return f"failed:{b64url(sha256(url))}"


def _failing(host: str) -> str:
    return f"failing:{host}"
