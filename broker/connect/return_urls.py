"""Where a browser may be sent after connecting. Pure but for the configuration."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from authplane.core.config import config
from authplane.core.validation import ANY_PORT_URLS

CONNECTIONS: Final = "/connections"
_PORT_THEN_PATH: Final = re.compile(r"[0-9]{1,5}(/[\x21-\x7e]*)?")
_MAX_LENGTH: Final = 2048


def base_url() -> str:
    """What our callbacks at upstream services begin with."""
    return (config().connect.redirect_base_url or config().server.issuer).rstrip("/")


def callback_url(provider_slug: str) -> str:
    """Where the provider sends browsers back to. Built from settings, never from a Host header."""
    return f"{base_url()}/connect/{provider_slug}/callback"


def is_allowed(unverified_url: str, *, of_resource: Collection[str] = ()) -> bool:
    """Whether a browser may end up there: our own page, or what the operator listed.

    The operator lists URLs for everything, and those of a resource for what it is connected for.

    Compared as strings. Of patterns there are four, each for any port of one loopback host; after
    the port comes nothing or a slash, so that `http://localhost:1@evil.example` is no match.
    """
    if len(unverified_url) > _MAX_LENGTH or "\\" in unverified_url:
        return False
    own = {f"{base_url()}{CONNECTIONS}", f"{config().server.issuer}{CONNECTIONS}"}
    listed = {*of_resource, *config().connect.allowed_return_urls}
    if unverified_url in own or unverified_url in listed - ANY_PORT_URLS:
        return True
    return any(
        unverified_url.startswith(pattern[:-1])
        and _PORT_THEN_PATH.fullmatch(unverified_url[len(pattern) - 1 :]) is not None
        for pattern in ANY_PORT_URLS.intersection(listed)
    )
