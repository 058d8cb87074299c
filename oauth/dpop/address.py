"""Compare a proof's `htu` with the URL that was called. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def is_same_address(unverified_htu: str, called: str) -> bool:
    """Both are the same URL without query and fragment, whichever way it is spelled.

    Spec: RFC 9449 section 4.3, check 9; RFC 3986 sections 6.2.2 and 6.2.3.
    """
    normal = normalised(unverified_htu)
    return normal is not None and normal == normalised(called)


def normalised(url: str) -> str | None:
    """The URL in its one spelling, without query and fragment; None when it is no http URL.

    Scheme and host without case, no default port, `/` for an empty path, no dot segments, escapes
    in capitals and only where they are needed. A URL that names a user is none of ours.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in _PORTS or not host or "@" in parts.netloc:
        return None
    shown = f"[{host}]" if ":" in host else host
    place = shown if port in {None, _PORTS[scheme]} else f"{shown}:{port}"
    return f"{scheme}://{place}{_path(parts.path)}"


def _path(path: str) -> str:
    """Spec: RFC 3986 sections 5.2.4, 6.2.2.1 and 6.2.2.2."""
    kept: list[str] = []
    segments = _ESCAPE.sub(_escape, path or "/").split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1:] in (["."], [".."]):
        kept.append("")
    return "/" + "/".join(kept)


def _escape(found: re.Match[str]) -> str:
    character = chr(int(found.group(1), 16))
    return character if character in _UNRESERVED else found.group(0).upper()
