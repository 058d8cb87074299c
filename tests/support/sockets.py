"""Keeps a test run on this host: a connection to anywhere else fails the test that tries it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager


class LeftTheHost(AssertionError):
    """A test tried to reach an address beyond loopback."""


def is_local(address: object) -> bool:
    """A Unix socket path, `localhost`, or an address of the loopback range."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host.split("%", maxsplit=1)[0]).is_loopback
    except ValueError:
        return False


@contextmanager
def loopback_only() -> Iterator[None]:
    """Within it, sockets connect to loopback or raise `LeftTheHost`.

    `LeftTheHost` is no `OSError`, so code under test cannot mistake it for an outage and pass.
    """
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(self: socket.socket, address: object) -> None:
        if not is_local(address):
            raise LeftTheHost(f"connection to {address!r}")
        connect(self, address)  # type: ignore[arg-type]

    def guarded_ex(self: socket.socket, address: object) -> int:
        if not is_local(address):
            raise LeftTheHost(f"connection to {address!r}")
        return connect_ex(self, address)  # type: ignore[arg-type]

    socket.socket.connect, socket.socket.connect_ex = guarded, guarded_ex  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        socket.socket.connect, socket.socket.connect_ex = connect, connect_ex  # type: ignore[method-assign]
