"""Which redirect URIs the clients of a proxy may have: patterns that an administrator listed.

A pattern is less free than it looks. `*` stands for the port of a loopback address, for one segment
of a path, or, at the very end, for the rest; never for a host on the web, and never for a scheme.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from authplane.core.uris import DANGEROUS_SCHEMES, MAX_URI, check_redirect_uri

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):")
_LOOPBACK: Final = re.compile(
    r"http://(localhost|127\.0\.0\.1|\[::1\])(:(\*|[0-9]{1,5}))?((?:/.*)?)"
)
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_SEGMENT: Final = r"[^/?#@]+"
_REST: Final = r"[^#]*"


def pattern_problem(pattern: object) -> str | None:
    """What is wrong with the pattern; None when it may be listed."""
    if not isinstance(pattern, str) or not 1 <= len(pattern) <= MAX_URI:
        return "must be texts of 1 to 2048 characters"
    scheme = _SCHEME.match(pattern)
    if scheme is None or not _PRINTABLE.fullmatch(pattern) or "#" in pattern:
        return "must be absolute URIs with a lower-case scheme, without spaces and fragments"
    name = scheme.group(1)
    if name in DANGEROUS_SCHEMES:
        return "must not name a scheme that cannot be redirected to safely"
    if name == "https":
        return "must spell https URIs out, without *" if "*" in pattern else _as_uri(pattern)
    if name == "http" and _LOOPBACK.fullmatch(pattern) is None:
        return "may name http for localhost, 127.0.0.1 and [::1] alone"
    return None


def is_allowed(redirect_uri: str, *, patterns: Iterable[str]) -> bool:
    """The redirect URI is good by itself, and one of the patterns stands for it."""
    scheme = _SCHEME.match(redirect_uri)
    if scheme is None:
        return False
    private = (scheme.group(1),)
    if check_redirect_uri(redirect_uri, private_schemes=private) is not None:
        return False
    return any(_matches(pattern, redirect_uri) for pattern in patterns)


def _matches(pattern: str, redirect_uri: str) -> bool:
    if pattern == redirect_uri:
        return True
    if pattern.startswith("https:"):
        # Compared as strings (RFC 9700 section 2.1, MUST).
        return False
    return _compiled(pattern).fullmatch(redirect_uri) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    loopback = _LOOPBACK.fullmatch(pattern)
    if loopback is None:
        scheme, _, rest = pattern.partition(":")
        return re.compile(f"{re.escape(scheme)}:{_wild(rest)}")
    # Any port: a native client learns its own when it starts to listen (RFC 8252 section 7.3).
    host, path = re.escape(loopback.group(1)), _wild(loopback.group(4))
    return re.compile(f"http://{host}(?::[0-9]{{1,5}})?{path}")


def _wild(text: str) -> str:
    head, ends_open = (text[:-1], True) if text.endswith("*") else (text, False)
    middle = _SEGMENT.join(re.escape(piece) for piece in re.split(r"\*+", head))
    return middle + (_REST if ends_open else "")


def _as_uri(pattern: str) -> str | None:
    problem = check_redirect_uri(pattern, private_schemes=())
    return f"cannot be used: {problem}" if problem else None
