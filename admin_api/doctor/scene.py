"""The deployment that is looked at, and one way to ask its issuer."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from authplane.core import fetch
from authplane.core.config import config
from authplane.core.fetch import Fetched, FetchFailed, Reach
from authplane.core.uris import origin

MAX_BYTES: Final = 1024 * 1024
METADATA: Final = "/.well-known/oauth-authorization-server"


@dataclass(frozen=True, slots=True)
class Scene:
    """What checks need to know. ``timeout`` in seconds is that of each request."""

    issuer: str
    timeout: float = 5.0

    @classmethod
    def here(cls, *, timeout: float = 5.0) -> Scene:
        """The deployment of this process."""
        return cls(config().server.issuer, timeout)

    @property
    def host(self) -> str:
        """The issuer's host, without port."""
        return (urlsplit(self.issuer).hostname or "").lower()

    @property
    def port(self) -> int:
        """The issuer's port."""
        parts = urlsplit(self.issuer)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def is_secure(self) -> bool:
        """Whether the issuer is https."""
        return self.issuer.startswith("https:")

    def ask(
        self, path: str, *, headers: Mapping[str, str] | None = None, certificate: bool = False
    ) -> Fetched:
        """The answer of the issuer's host to ``GET path``. It may live at a private address.

        Raises: FetchRefused, FetchFailed.
        """
        return fetch.send(
            "GET",
            f"{origin(self.issuer)}{path}",
            max_bytes=MAX_BYTES,
            timeout=self.timeout,
            reach=Reach((self.host,), http=not self.is_secure),
            headers=headers,
            wants_certificate=certificate,
        )

    def metadata_path(self) -> str:
        """Where the metadata are. Spec: RFC 8414 section 3.1 (before the issuer's own path)."""
        return METADATA + urlsplit(self.issuer).path.rstrip("/")


def cause_of(error: Exception) -> str:
    """Why a request failed, with what TLS had against the certificate where that was the reason."""
    told = getattr(error, "reason", type(error).__name__)
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"the certificate is not accepted: {seen.verify_message}"
        seen = seen.__cause__ or seen.__context__
    return str(told)


__all__ = ["METADATA", "FetchFailed", "Scene", "cause_of"]
