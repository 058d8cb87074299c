"""What an API key looks like, and where a request carries one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from authplane.core.hashing import new_secret, sha256_hex

PREFIX: Final = "uag_"
SHOWN: Final = 8
"""How many of its first characters stay readable."""
KEY: Final = re.compile(r"uag_[A-Za-z0-9_-]{43}")
BEARER, APIKEY = "bearer", "apikey"


def new_key() -> str:
    """A key of 256 random bits, marked as ours so that scanners of repositories know it."""
    return PREFIX + new_secret()


def is_key(text: str) -> bool:
    """Whether it could be one of ours: `uag_` and 256 bits in base64url."""
    return KEY.fullmatch(text) is not None


def hash_of(key: str) -> str:
    """Under what a key is stored. It has 256 random bits, so that nothing slower is needed."""
    return sha256_hex(key)


def presented_key(environ: Mapping[str, str]) -> str | None:
    """The key that the request shows, as it was written; None when it shows none.

    From `X-API-Key`, else from `Authorization` with the scheme Bearer or ApiKey; the first place
    that has something decides. A Bearer that does not begin as our keys do is somebody's token.
    """
    if "HTTP_X_API_KEY" in environ:
        return environ["HTTP_X_API_KEY"].strip()
    scheme, _, value = environ.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() == APIKEY or (scheme.lower() == BEARER and value.startswith(PREFIX)):
        return value
    return None
