"""Whether an address is free. Servers that share ports among their workers do not notice."""

from __future__ import annotations

import socket

from django.core.management.base import CommandError

from authplane.core.processes import bound_to


def require_free(address: str, *, local: bool) -> None:
    """Nobody listens at `address`. Raises: CommandError when somebody does, or nobody may.

    Workers open their port with SO_REUSEPORT, so a second server would join the first one and take
    part of its requests; a socket without that option cannot.
    """
    host, port = bound_to(address, local=local)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections of a server that has just stopped do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise CommandError(f"cannot listen at {host}:{port}: {error.strerror}") from None
