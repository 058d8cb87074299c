"""Two spellings of one address are one address: what a proof names against what was called."""

from __future__ import annotations

import re
import string
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_BARE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset(string.ascii_letters + string.digits + "-._~")
_NOT_IN_URLS: Final = re.compile(r"[\x00-\x20\x7f\\]")


def normal_form(url: str) -> str | None:
    """The address without query and fragment in its one spelling; None when it is no http(s) URL.

    Case of scheme and host, a default port, an empty path and escapes that need none do not
    count. The path's own case, its slashes and its dots do.

    Spec: RFC 9449 section 4.3, check 9, with RFC 3986 sections 6.2.2 and 6.2.3.
    """
    if _NOT_IN_URLS.search(url) or not url.isascii() or _BARE_PERCENT.search(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        return None
    host = f"[{host}]" if ":" in host else host
    suffix = "" if port in {None, _DEFAULT_PORTS[scheme]} else f":{port}"
    return f"{scheme}://{host}{suffix}{_ESCAPE.sub(_escape, parts.path) or '/'}"


def is_same_address(first: str, second: str) -> bool:
    """Both are addresses, and the same one."""
    normal = normal_form(first)
    return normal is not None and normal == normal_form(second)


def _escape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else f"%{found[1].upper()}"
