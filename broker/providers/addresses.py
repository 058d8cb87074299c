"""URLs that an operator may configure. Pure: whether a host may be reached is asked elsewhere."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from authplane.core.uris import is_loopback_host

URL: Final = re.compile(r"[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+")
"""ASCII without spaces, quotes, backslashes, brackets and braces."""


def is_acceptable(url: str) -> bool:
    """https, or http to this machine; whether it may be reached at all is asked when it is."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if not URL.fullmatch(url):
        return False
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback_host(host)):
        return False
    return bool(host) and "@" not in parts.netloc and "#" not in url
