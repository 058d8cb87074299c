"""One guarded GET: documents that others name by URL are fetched without lending them our network.

The host is resolved once, every address is checked, and the connection goes to a checked address;
the name is not looked up again, so it cannot change in between (DNS rebinding). Redirects are not
followed, the environment's proxies are not used, time and size are limited as a whole.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpcore
import httpx

from authplane.core.addresses import is_public, is_reachable_private

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

USER_AGENT = "authplane"
DEFAULT_PORTS = {"https": 443, "http": 80}
RESOLVER_THREADS = 8
CHUNK = 4096


class FetchRefused(Exception):
    """The URL may not be fetched; ``reason`` says by which rule, for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FetchFailed(Exception):
    """The URL could not be fetched within its limits; ``reason`` says why, for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back. ``json`` is None when the body is no JSON; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any


def fetch_json(
    url: str,
    *,
    max_bytes: int,
    timeout: float,
    accept: str = "application/json",
    etag: str = "",
    allowed_private_hosts: Collection[str] = (),
    allow_private: bool = False,
    allow_http: bool = False,
) -> Fetched:
    """The answer to ``GET url``, of whatever status.

    With ``etag``, that of an earlier answer, the other side may say 304: not modified.
    ``timeout`` covers everything from the name look-up to the last byte. Hosts in
    ``allowed_private_hosts`` (all of them with ``allow_private``) may live at private addresses.

    Raises: FetchRefused when a rule forbids the URL or its addresses; FetchFailed otherwise.
    """
    deadline = time.monotonic() + timeout
    host, port = check_url(url, allow_http=allow_http)
    permitted = (
        is_reachable_private if allow_private or host in allowed_private_hosts else is_public
    )
    addresses = _resolve(host, port, deadline=deadline)
    if not addresses:
        raise FetchFailed("host has no address")
    if not all(permitted(address) for address in addresses):
        # One private address among public ones is a rebinding attempt, not a coincidence.
        raise FetchRefused("host has an address that is not public")
    transport = _PinnedTransport(addresses, deadline=deadline)
    headers = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
    if etag:
        headers["If-None-Match"] = etag
    try:
        with (
            httpx.Client(transport=transport, trust_env=False, follow_redirects=False) as client,
            client.stream("GET", url, headers=headers, timeout=timeout) as response,
        ):
            body = _read(response, max_bytes=max_bytes)
            return Fetched(
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=body,
                json=_parsed(body),
            )
    except httpx.TimeoutException:
        raise FetchFailed("took too long") from None
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        raise FetchFailed(f"transport failed: {type(error).__name__}") from None


def check_url(url: str, *, allow_http: bool) -> tuple[str, int]:
    """Host and port of a URL that may be fetched, as far as its text can tell.

    Raises: FetchRefused.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise FetchRefused("not a URL") from None
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise FetchRefused("scheme is not https")
    if not host or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise FetchRefused("not a URL")
    if "@" in parts.netloc:
        raise FetchRefused("URL holds credentials")
    if "#" in url:
        raise FetchRefused("URL holds a fragment")
    return host.lower(), port or DEFAULT_PORTS[parts.scheme]


def _read(response: httpx.Response, *, max_bytes: int) -> bytes:
    """The body as sent. A compressed one is refused: a small body could unpack to any size."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchFailed("answer is compressed")
    announced = response.headers.get("Content-Length", "0")
    if announced.isdigit() and int(announced) > max_bytes:
        raise FetchFailed("answer is too large")
    body = bytearray()
    for chunk in response.iter_raw(CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise FetchFailed("answer is too large")
    return bytes(body)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


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


def _resolve(host: str, port: int, *, deadline: float) -> list[str]:
    try:
        return _resolver.threads().submit(look_up, host, port).result(_left(deadline))
    except TooSlow:
        raise FetchFailed("name look-up took too long") from None
    except (OSError, UnicodeError):
        raise FetchFailed("host cannot be resolved") from None


def _left(deadline: float) -> float:
    return max(0.001, deadline - time.monotonic())


@lru_cache(maxsize=4)
def _tls(_cafile: str | None, _cadir: str | None) -> ssl.SSLContext:
    """The TLS settings: the bundled authorities, or those that SSL_CERT_FILE names."""
    return httpx.create_ssl_context()


class _PinnedTransport(httpx.HTTPTransport):
    """Connects to checked addresses; the host name remains what TLS and Host header verify."""

    def __init__(self, addresses: list[str], *, deadline: float) -> None:
        context = _tls(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            http1=True,
            http2=False,
            network_backend=_PinnedBackend(addresses, deadline=deadline),
        )


class _PinnedBackend(httpcore.NetworkBackend):
    def __init__(self, addresses: list[str], *, deadline: float) -> None:
        self.addresses = addresses
        self.deadline = deadline
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
                    address, port, _left(self.deadline), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream, deadline=self.deadline)
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    """A connection on which all reads and writes together end at the deadline.

    A limit for each read alone lets a server drip bytes and hold us for hours.
    """

    def __init__(self, stream: httpcore.NetworkStream, *, deadline: float) -> None:
        self.stream = stream
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        if time.monotonic() >= self.deadline:
            raise httpcore.ReadTimeout
        return self.stream.read(max_bytes, _left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        if time.monotonic() >= self.deadline:
            raise httpcore.WriteTimeout
        self.stream.write(buffer, _left(self.deadline))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        secured = self.stream.start_tls(ssl_context, server_hostname, _left(self.deadline))
        return _DeadlineStream(secured, deadline=self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)
