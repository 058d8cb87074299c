"""What a resource server is, in its operator's words: frozen and checked when it is made."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

Mode = Literal["off", "supported", "required"]
Spend = Callable[[str, int], bool | Awaitable[bool]]
"""`spend(key, seconds)` is True the first time within `seconds` that it sees `key`."""

ALGORITHMS: Final = ("ES256", "EdDSA", "PS256", "RS256")
_MODES: Final = frozenset({"off", "supported", "required"})
_MIN_SECRET: Final = 16


@dataclass(frozen=True, slots=True)
class Introspection:
    """How to ask the authorization server about tokens that cannot be read here (RFC 7662).

    `for_all` asks about signed tokens as well, so that revocation counts at once. An answer is
    kept for `cache` seconds, never beyond the token's end.
    """

    client_id: str
    client_secret: str = field(repr=False)
    for_all: bool = False
    cache: int = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """One protected resource.

    `issuer` and `resource` are compared byte for byte. `public_url` is what the application's root
    is called from outside, the origin of `resource` unless said otherwise; the Host header is
    never asked. `scopes` are needed by every request, `scopes_supported` are published. `skew`,
    `proof_max_age` and `timeout` are seconds. A `nonce_secret` makes nonces required in proofs;
    replicas share it. `spend` replaces the replay memory of this process by a shared one.

    Raises: ValueError when a part cannot be obeyed.
    """

    resource: str
    issuer: str
    scopes: tuple[str, ...] = ()
    scopes_supported: tuple[str, ...] = ()
    name: str = ""
    documentation: str = ""
    public_url: str = ""
    dpop: Mode = "supported"
    algorithms: tuple[str, ...] = ALGORITHMS
    skew: int = 30
    proof_max_age: int = 300
    nonce_secret: bytes = field(default=b"", repr=False)
    spend: Spend | None = None
    introspection: Introspection | None = None
    timeout: float = 5.0
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        for what, url in (("resource", self.resource), ("issuer", self.issuer)):
            require_url(url, what=what)
        if urlsplit(self.issuer).query:
            raise ValueError("issuer must not have a query (RFC 8414 section 2)")
        if self.public_url:
            require_url(self.public_url, what="public_url")
        if self.dpop not in _MODES:
            raise ValueError("dpop must be off, supported or required")
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            raise ValueError(f"algorithms must be among {', '.join(ALGORITHMS)}")
        if self.nonce_secret and len(self.nonce_secret) < _MIN_SECRET:
            raise ValueError(f"nonce_secret needs {_MIN_SECRET} bytes")

    @property
    def root_url(self) -> str:
        """The application's root as callers see it, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        parts = urlsplit(self.resource)
        return f"{parts.scheme}://{parts.netloc}"


def require_url(url: str, *, what: str) -> None:
    """An absolute https URL without fragment, or http on this very machine.

    Raises: ValueError naming `what`.
    """
    parts = urlsplit(url)
    if not parts.hostname or "#" in url or "@" in parts.netloc or not url.isascii():
        raise ValueError(f"{what} must be an absolute ASCII URL without fragment and user")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError(f"{what} must be https, or http on localhost")


def is_loopback(host: str) -> bool:
    """The host is this machine by its name or its address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
