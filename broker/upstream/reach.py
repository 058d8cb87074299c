"""Where requests to upstream services may go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from authplane.core.config import config
from authplane.core.fetch import FetchRefused, Reach, check_url
from authplane.core.uris import is_loopback_host


def reach_of(url: str) -> Reach:
    """Public hosts over https; others only where the operator named the host.

    Plain http is for a named host on this machine: a token must not cross a network in clear.
    """
    private = config().broker.allowed_private_hosts
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        host = ""
    return Reach(private_hosts=private, http=host in private and is_loopback_host(host))


def endpoint_in(document: Mapping[str, Any], name: str) -> str:
    """The URL that a metadata document gives by this name; empty when none that may be called."""
    value = document.get(name)
    if not isinstance(value, str):
        return ""
    try:
        check_url(value, allow_http=reach_of(value).http)
    except FetchRefused:
        return ""
    return value
