"""Where requests to upstream services may go."""

from __future__ import annotations

from urllib.parse import urlsplit

from authplane.core.config import config
from authplane.core.fetch import Reach
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
