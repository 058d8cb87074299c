"""What the authorization server publishes about itself: its endpoints and its keys, kept a while.

Fetched when first needed, again when their headers say so, and once more, but only so often, when
a token names a key that is not among them.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from .config import Protection, require_url
from .errors import Unavailable
from .work import Fetch, Fetched, Steps, fetch

SHORTEST, LONGEST, DEFAULT = 10.0, 3600.0, 300.0
FAILURE_PAUSE: Final = 2.0
"""Seconds for which an answer that failed is not asked for again."""
REFETCH_PAUSE: Final = 30.0
"""Seconds between two looks for an unknown key, whoever asks how often."""
STALE_LIMIT: Final = 3600.0
"""How long kept keys serve beyond their time while the server does not answer."""

_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})")


@dataclass(slots=True)
class Kept:
    """A document of the server. Times are epoch seconds."""

    value: dict[str, Any]
    fresh_until: float
    usable_until: float


@dataclass(slots=True)
class Issuer:
    """The published documents of one issuer, shared by all threads and tasks of the process."""

    protection: Protection
    _kept: dict[str, Kept] = field(default_factory=dict)
    _next_look: dict[str, float] = field(default_factory=dict)
    _failed_until: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def metadata(self) -> Steps[dict[str, Any]]:
        """The metadata document; its issuer is the configured one byte for byte.

        Spec: RFC 8414 section 3.3 (MUST NOT be used when it is not). Raises: Unavailable.
        """
        document = yield from self._document("metadata", self._fetch_metadata)
        return document

    def key(self, kid: str) -> Steps[dict[str, Any] | None]:
        """The JWK of this id; None when the issuer does not publish one.

        Raises: Unavailable when the keys cannot be had.
        """
        keys = yield from self._document("keys", self._fetch_keys)
        if kid not in keys and self._may_look("unknown key", REFETCH_PAUSE):
            found = yield from self._fetch_keys()
            if found is not None:
                keys = self._keep("keys", found)
        jwk = keys.get(kid)
        return jwk if isinstance(jwk, dict) else None

    def _document(
        self, name: str, load: Callable[[], Steps[tuple[dict[str, Any], float] | None]]
    ) -> Steps[dict[str, Any]]:
        """The kept document, fetched anew when its time is over.

        While one caller fetches, and while the server does not answer, the others use what is
        there, so that an outage of the authorization server is not one of every resource.
        """
        now = self.protection.clock()
        kept = self._kept.get(name)
        if kept is not None and now < kept.fresh_until:
            return kept.value
        stale = kept.value if kept is not None and now < kept.usable_until else None
        if stale is not None and not self._may_look(name, SHORTEST):
            return stale
        if now < self._failed_until.get(name, 0.0):
            raise Unavailable(f"{name} of the issuer could not be had a moment ago")
        found = yield from load()
        if found is not None:
            return self._keep(name, found)
        if stale is not None:
            return stale
        self._failed_until[name] = now + FAILURE_PAUSE
        raise Unavailable(f"{name} of the issuer cannot be had")

    def _may_look(self, name: str, pause: float) -> bool:
        """This caller, and nobody else within `pause` seconds, may ask the server."""
        now = self.protection.clock()
        with self._lock:
            if now < self._next_look.get(name, 0.0):
                return False
            self._next_look[name] = now + pause
            return True

    def _keep(self, name: str, found: tuple[dict[str, Any], float]) -> dict[str, Any]:
        value, seconds = found
        now = self.protection.clock()
        with self._lock:
            self._kept[name] = Kept(value, now + seconds, now + seconds + STALE_LIMIT)
        return value

    def _fetch_metadata(self) -> Steps[tuple[dict[str, Any], float] | None]:
        for url in discovery_urls(self.protection.issuer):
            answer = yield from fetch(Fetch(url))
            if not answer.status:
                break
            document = _object(answer)
            if document is not None and document.get("issuer") == self.protection.issuer:
                return document, lifetime(answer.headers)
        return None

    def _fetch_keys(self) -> Steps[tuple[dict[str, Any], float] | None]:
        metadata = yield from self.metadata()
        url = endpoint(metadata, "jwks_uri")
        answer = yield from fetch(Fetch(url))
        document = _object(answer)
        if document is None or not isinstance(document.get("keys"), list):
            return None
        return dict(_signing_keys(document["keys"])), lifetime(answer.headers)


def discovery_urls(issuer: str) -> tuple[str, ...]:
    """Where metadata may lie, in the order in which clients look.

    Spec: RFC 8414 sections 3 and 5; OpenID Connect Discovery 1.0 section 4.
    """
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    appended = (f"{origin}{path}/.well-known/openid-configuration",) if path else ()
    return (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}/.well-known/openid-configuration{path}",
        *appended,
    )


def endpoint(metadata: dict[str, Any], name: str) -> str:
    """The address of this name, https or on this machine. Raises: Unavailable."""
    url = metadata.get(name)
    try:
        require_url(url if isinstance(url, str) else "", what=name)
    except ValueError as unusable:
        raise Unavailable(str(unusable)) from None
    return str(url)


def lifetime(headers: dict[str, str]) -> float:
    """For how many seconds an answer may be kept, within our own bounds.

    Spec: RFC 9111 section 5.2.2.
    """
    control = headers.get("cache-control", "").lower()
    if "no-store" in control or "no-cache" in control:
        return SHORTEST
    found = _MAX_AGE.search(control)
    seconds = float(found[1]) if found else DEFAULT
    age = headers.get("age", "")
    if age.isascii() and age.isdigit():
        seconds -= float(age[:9])
    return min(max(seconds, SHORTEST), LONGEST)


def _signing_keys(keys: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Public keys that may verify signatures, by id.

    A symmetric key among them would let every reader of the document sign.

    Spec: RFC 7517 sections 4.2 to 4.5.
    """
    for key in keys:
        if (
            isinstance(key, dict)
            and isinstance(key.get("kid"), str)
            and key.get("kty") in {"EC", "OKP", "RSA"}
            and key.get("use", "sig") == "sig"
            and "verify" in key.get("key_ops", ["verify"])
        ):
            yield key["kid"], key


def _object(answer: Fetched) -> dict[str, Any] | None:
    if answer.status != 200:  # noqa: PLR2004 - the one status that carries a document
        return None
    try:
        document = json.loads(answer.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
