"""Servers that answer in a thread of the test's own process, until a block ends."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from socketserver import BaseServer

LOOKS_EVERY = 0.002
"""Seconds between two looks whether the server is to stop: a thousand tests wait for one."""


@contextlib.contextmanager
def answering(server: BaseServer) -> Iterator[None]:
    """The server answers within the block; afterwards nothing of it is left."""
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": LOOKS_EVERY}, daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
