"""A connection that goes to a checked address and ends at a deadline.

The name is looked up once; it cannot change between check and connection (DNS rebinding).
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RESOLVER_THREADS = 8


class FetchRefused(Exception):
    """The URL may not be fetched; ``reason`` says by which rule, for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FetchFailed(Exception):
    """The URL could not be fetched within its limits; ``reason`` says why, for the log.

    ``sent`` says whether any of the request had left: then nobody knows whether the other side
    acted on it.
    """

    def __init__(self, reason: str, *, sent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class _Resolver:
    """Name look-ups in threads, because the system's resolver knows no deadline."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process = 0
        self.pool: ThreadPoolExecutor | None = None

    def threads(self) -> ThreadPoolExecutor:
        """The pool of this process, made anew after a fork."""
        with self.lock:
            if self.pool is None or self.process != os.getpid():
                self.pool = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve")
                self.process = os.getpid()
            return self.pool


_resolver = _Resolver()


def look_up(host: str, port: int) -> list[str]:
    """Every address of ``host``, in the order of preference, as text."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolve(host: str, port: int, *, deadline: float) -> list[str]:
    """Every address of ``host``, looked up before the deadline (seconds of the monotonic clock).

    Raises: FetchFailed.
    """
    try:
        return _resolver.threads().submit(look_up, host, port).result(left(deadline))
    except TooSlow:
        raise FetchFailed("name look-up took too long") from None
    except (OSError, UnicodeError):
        raise FetchFailed("host cannot be resolved") from None


def left(deadline: float) -> float:
    """Seconds until the deadline; a trace of time when it has passed, because 0 means for ever."""
    return max(0.001, deadline - time.monotonic())


def tls_context(ca_path: str = "") -> ssl.SSLContext:
    """The TLS settings: the bundled authorities, those that SSL_CERT_FILE names, or ``ca_path``.

    Raises: OSError, ssl.SSLError.
    """
    return _tls(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"), ca_path)


@lru_cache(maxsize=4)
def _tls(_cafile: str | None, _cadir: str | None, ca_path: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_path) if ca_path else httpx.create_ssl_context()


class PinnedTransport(httpx.HTTPTransport):
    """Connects to checked addresses; the host name remains what TLS and Host header verify.

    ``has_sent`` turns true with the first byte of a request.
    """

    def __init__(
        self, addresses: list[str], *, deadline: float, tls: ssl.SSLContext | None = None
    ) -> None:
        context = tls or tls_context()
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            http1=True,
            http2=False,
            network_backend=_PinnedBackend(addresses, deadline=deadline, when_sent=self._mark),
        )
        self.has_sent = False

    def _mark(self) -> None:
        self.has_sent = True


class _PinnedBackend(httpcore.NetworkBackend):
    def __init__(
        self, addresses: list[str], *, deadline: float, when_sent: Callable[[], None]
    ) -> None:
        self.addresses = addresses
        self.deadline = deadline
        self.when_sent = when_sent
        self.sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - resolved before
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline counts
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in self.addresses:
            try:
                stream = self.sockets.connect_tcp(
                    address, port, left(self.deadline), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream, deadline=self.deadline, when_sent=self.when_sent)
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    """A connection on which all reads and writes together end at the deadline.

    A limit for each read alone lets a server drip bytes and hold us for hours.
    """

    def __init__(
        self, stream: httpcore.NetworkStream, *, deadline: float, when_sent: Callable[[], None]
    ) -> None:
        self.stream = stream
        self.deadline = deadline
        self.when_sent = when_sent

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        if time.monotonic() >= self.deadline:
            raise httpcore.ReadTimeout
        return self.stream.read(max_bytes, left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        if time.monotonic() >= self.deadline:
            raise httpcore.WriteTimeout
        self.when_sent()
        self.stream.write(buffer, left(self.deadline))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        secured = self.stream.start_tls(ssl_context, server_hostname, left(self.deadline))
        return _DeadlineStream(secured, deadline=self.deadline, when_sent=self.when_sent)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)
