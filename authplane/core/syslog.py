"""Messages to a syslog server of the operator's, of which nothing comes back.

Spec: RFC 5424; over UDP RFC 5426, over TCP RFC 6587 section 3.4.1 (octet counting), over TLS
RFC 5425.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

PORTS: Final = {"udp": 514, "tcp": 601, "tls": 6514}
AUDIT_FACILITY: Final = 13
WARNING: Final = 4
NOTICE: Final = 5
MAX_DATAGRAM: Final = 8192
NIL: Final = "-"


class SyslogFailed(Exception):
    """The messages did not all leave. The text is for operators."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A syslog server."""

    kind: str
    host: str
    port: int

    @classmethod
    def of(cls, address: str) -> Destination:
        """From `udp://host:514`, `tcp://...` or `tls://...`.

        Raises: ValueError for anything else.
        """
        parts = urlsplit(address)
        if parts.scheme not in PORTS or not parts.hostname or parts.path or parts.query:
            raise ValueError("must be udp://host:port, tcp://host:port or tls://host:port")
        return cls(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme])


def message(text: str, *, kind: str, at: datetime, severity: int = NOTICE) -> bytes:
    """One message of the facility for audit records; ``kind`` is its MSGID.

    Spec: RFC 5424 section 6.
    """
    moment = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    priority = AUDIT_FACILITY * 8 + severity
    head = f"<{priority}>1 {moment} {_host_name()} authplane {NIL} {kind} {NIL}"
    return f"{head} {text}".encode()


def send(destination: Destination, messages: Sequence[bytes], *, timeout: float = 10) -> None:
    """The messages have left this machine, in this order.

    Raises: SyslogFailed. UDP tells nobody whether they arrived.
    """
    if destination.kind == "udp" and any(len(each) > MAX_DATAGRAM for each in messages):
        raise SyslogFailed("a message is too long for a datagram; use tcp:// or tls://")
    try:
        with _connected(destination, timeout) as connection:
            for each in messages:
                framed = each if destination.kind == "udp" else b"%d %b" % (len(each), each)
                connection.sendall(framed)
    except OSError as error:
        raise SyslogFailed(f"{destination.host}: {type(error).__name__}") from None


@contextmanager
def _connected(destination: Destination, timeout: float) -> Iterator[socket.socket]:
    target = (destination.host, destination.port)
    if destination.kind == "udp":
        found = socket.getaddrinfo(*target, type=socket.SOCK_DGRAM)[0]
        with socket.socket(found[0], socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(timeout)
            datagrams.connect(found[4])
            yield datagrams
        return
    with socket.create_connection(target, timeout=timeout) as plain:
        if destination.kind == "tcp":
            yield plain
            return
        from authplane.core.pinned import tls_context  # noqa: PLC0415 - read before most starts

        with tls_context().wrap_socket(plain, server_hostname=destination.host) as secured:
            yield secured


def _host_name() -> str:
    name = socket.gethostname()[:255]
    return name if name and name.isascii() and name.isprintable() and " " not in name else NIL
