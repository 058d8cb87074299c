"""The issuers that are served from the same tables: this server's own, and others below it.

An issuer is known by its key, the path below the public URL: empty for this server's own. So a
change of the public URL leaves clients, codes and tokens where they belong.
"""

from __future__ import annotations

from authplane.core.config import config

OWN = ""
"""The key of this server's own issuer."""


def issuer_url(key: str) -> str:
    """The `iss` of this issuer, byte for byte; that of this server is the configured string."""
    issuer = config().server.issuer
    return f"{issuer.rstrip('/')}{key}" if key else issuer
