"""Which URLs may be a remote MCP server's. Judged when written; asked again when it is called."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from authplane.core.addresses import is_public
from authplane.core.config import config
from authplane.core.uris import DEFAULT_PORTS, is_loopback_host
from broker.upstream.reach import reach_of

MAX_URL: Final = 2048
URL: Final = re.compile(r"[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+")
"""ASCII without spaces, quotes, backslashes, angle brackets and braces."""

NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?"
)
NUMBER: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?")
HTTPS: Final = "must be an https URL without user name or fragment"
PRIVATE: Final = (
    "names a private host; an operator can allow it: AUTHPLANE_BROKER_ALLOWED_PRIVATE_HOSTS"
)


def read_address(text: object) -> tuple[str, str]:
    """The URL as it is stored, and what is wrong with it: one of the two is empty.

    Scheme and host are written small, the default port and a path of a single slash are left out;
    everything else stays, because servers tell paths apart.
    """
    if not isinstance(text, str) or len(text) > MAX_URL or not URL.fullmatch(text.strip()):
        return "", HTTPS
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", HTTPS
    if not host or "@" in parts.netloc or "#" in text or parts.netloc.endswith(":") or port == 0:
        return "", HTTPS
    if not _is_named(host):
        return "", PRIVATE
    if parts.scheme != "https" and not (parts.scheme == "http" and reach_of(text.strip()).http):
        return "", HTTPS
    return _written(parts, host=host, port=port), ""


def _is_named(host: str) -> bool:
    """Whether the host may be meant: by the operator, or because it may be a public one.

    What resolvers read as a number (2130706433, 0x7f.1) is an address in disguise.
    """
    if host in config().broker.allowed_private_hosts:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        disguised = is_loopback_host(host.rstrip(".")) or NUMBER.fullmatch(last) is not None
        return bool(NAME.fullmatch(host)) and not disguised
    return is_public(host)


def _written(parts: SplitResult, *, host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    if port is not None and port != DEFAULT_PORTS[parts.scheme]:
        shown = f"{shown}:{port}"
    path = "" if parts.path == "/" and not parts.query else parts.path
    return urlunsplit((parts.scheme, shown, path, parts.query, ""))
