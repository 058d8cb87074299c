"""Where the present request came from, for whatever is recorded while it is answered."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from authplane.core import lifecycle, logging
from authplane.core.config import config
from authplane.core.network import caller_address

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRACE_PARENT: Final = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

_request: ContextVar[Mapping[str, Any] | None] = ContextVar("audit_request", default=None)


def connect() -> None:
    """Every request that the server begins is known here until it ends."""
    lifecycle.at_begin(_begin)
    lifecycle.at_end(_end)


def address() -> str:
    """The caller's address; empty for commands and scheduled work."""
    headers = _request.get()
    return caller_address(headers) if headers is not None else ""


def request_id() -> str:
    """The id of the present request; empty outside of one."""
    return logging.request_id()


def trace_id() -> str:
    """The trace that a trusted proxy put the request in; else empty, as anybody could invent one.

    Spec: W3C Trace Context section 3.2.
    """
    headers = _request.get()
    parent = headers.get("HTTP_TRACEPARENT") if headers is not None else None
    if not parent or not config().server.trusted_proxies:
        return ""
    match = _TRACE_PARENT.fullmatch(parent)
    return match.group(1) if match else ""


def _begin(environ: Mapping[str, Any]) -> None:
    _request.set(environ)


def _end() -> None:
    _request.set(None)
