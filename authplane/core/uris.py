"""Reading and comparing URIs. Nothing here touches the network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
DEFAULT_PORTS = {"http": 80, "https": 443}
PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
ILLEGAL = re.compile(r"[^\x21-\x7e]|[<>\"\\^`{|}]")
MAX_URI = 2048

DANGEROUS_SCHEMES = frozenset({
    "javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "ws", "wss", "ftp",
    "mailto", "tel", "sms", "view-source", "jar", "intent", "chrome", "chrome-extension",
})  # fmt: skip
"""Schemes that run code, read files or reach someone else's handler when a browser follows them."""


def is_loopback_host(host: str) -> bool:
    """Whether ``host`` is one of the three names of this machine that clients redirect to."""
    return host.strip("[]").lower() in LOOPBACK_HOSTS


def fold_resource(uri: str) -> str:
    """The spelling under which resource identifiers are matched.

    Scheme and host without case, no default port, no single slash at the end. Nothing else is
    equal: paths and queries are compared as they are.

    Spec: RFC 3986 sections 6.2.2.1 and 6.2.3.
    """
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return uri
    if not parts.scheme or not parts.hostname:
        return uri
    path = parts.path
    if not parts.query and not parts.fragment and path.endswith("/"):
        path = path[:-1]
    netloc = _netloc(parts, port=None if port == DEFAULT_PORTS.get(parts.scheme) else port)
    return urlunsplit((parts.scheme, netloc, path, parts.query, parts.fragment))


def redirect_matches(registered: str, presented: str) -> bool:
    """Whether an answer may go to ``presented`` when the client registered ``registered``.

    Compared as strings: normalising would accept a URI the client never registered. The one
    exception is the port of a loopback http redirect, which a native client learns only when it
    starts listening; host, path and query still have to be equal, and ``localhost``, ``127.0.0.1``
    and ``[::1]`` are three different hosts.

    Spec: RFC 9700 section 2.1 (MUST: exact matching); RFC 8252 section 7.3 (MUST: any port).
    """
    if registered == presented:
        return True
    try:
        known, asked = urlsplit(registered), urlsplit(presented)
        _ = known.port, asked.port
    except ValueError:
        return False
    return (
        known.scheme == asked.scheme == "http"
        and is_loopback_host(known.hostname or "")
        and presented.startswith("http://")
        and "@" not in asked.netloc
        and _without_port(known.netloc) == _without_port(asked.netloc)
        and known.path == asked.path
        and known.query == asked.query
        and not asked.fragment
        and "#" not in presented
        and ("?" in registered) == ("?" in presented)
    )


def check_redirect_uri(uri: str, *, private_schemes: Collection[str]) -> str | None:
    """What is wrong with ``uri`` as a redirect URI; None when it may be registered.

    https anywhere, http on loopback only, and the private-use schemes given.

    Spec: RFC 6749 section 3.1.2 (absolute, no fragment); RFC 8252 sections 7.1 and 7.3.
    """
    return next(_redirect_problems(uri, private_schemes=private_schemes), None)


def _redirect_problems(uri: str, *, private_schemes: Collection[str]) -> Iterator[str]:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        yield "a redirect URI must be a valid URI"
        return
    yield from _syntax_problems(uri, parts, port=port)
    scheme, host = parts.scheme, parts.hostname or ""
    if scheme in DEFAULT_PORTS:
        if not host:
            yield "a redirect URI needs a host"
        if scheme == "http" and not is_loopback_host(host):
            yield "http redirect URIs are allowed on loopback hosts only"
        return
    if scheme in DANGEROUS_SCHEMES:
        yield "this scheme cannot be redirected to safely"
    if scheme not in private_schemes:
        yield "this private-use scheme is not allowed"
    if not parts.netloc and not parts.path:
        yield "a redirect URI needs more than a scheme"


def _syntax_problems(uri: str, parts: SplitResult, *, port: int | None) -> Iterator[str]:
    if not uri or len(uri) > MAX_URI:
        yield "a redirect URI must have between 1 and 2048 characters"
    if ILLEGAL.search(uri):
        yield "a redirect URI must hold URI characters only"
    if "*" in uri:
        yield "a redirect URI must not hold wildcards"
    if "#" in uri:
        yield "a redirect URI must not hold a fragment"
    if not PRIVATE_SCHEME.fullmatch(parts.scheme) or not uri.startswith(f"{parts.scheme}:"):
        yield "a redirect URI must be absolute, with its scheme in lower case"
    if "@" in parts.netloc:
        yield "a redirect URI must not hold a user name"
    if port == 0 or parts.netloc.endswith(":"):
        yield "a redirect URI must not name an empty port"
    if any(segment in {".", ".."} for segment in parts.path.split("/")):
        yield "a redirect URI must not hold dot segments"


def origin(uri: str) -> str:
    """Scheme, host and, unless it is the default, port, as browsers spell an origin.

    Empty for a URI that has no origin.

    Spec: RFC 6454 section 6.2.
    """
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return ""
    shown = None if port == DEFAULT_PORTS[parts.scheme] else port
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{'' if shown is None else f':{shown}'}"


def add_query(uri: str, params: Sequence[tuple[str, str]]) -> str:
    """``uri`` with ``params`` appended; the query it has is kept as it is.

    Spec: RFC 6749 section 4.1.2 and 3.1.2 (MUST retain the query component).
    """
    added = urlencode(params)
    if not added:
        return uri
    base, mark, fragment = uri.partition("#")
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}{added}{mark}{fragment}"


def _netloc(parts: SplitResult, *, port: int | None) -> str:
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    user = parts.netloc.rpartition("@")[0]
    return f"{user + '@' if user else ''}{host}{'' if port is None else f':{port}'}"


def _without_port(netloc: str) -> str:
    """The host as it is written: its three loopback spellings stay apart, its case counts."""
    return re.sub(r":\d*$", "", netloc)
