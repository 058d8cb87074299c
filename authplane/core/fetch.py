"""The one way out: requests to URLs that others name, without lending them our network.

The host is resolved once, every address is checked, and the connection goes to a checked address.
Redirects are not followed, the environment's proxies are not used, time and size are limited as a
whole.
"""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import httpx

from authplane.core.addresses import is_public, is_reachable_private
from authplane.core.pinned import FetchFailed, FetchRefused, PinnedTransport, resolve, tls_context

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["FetchFailed", "FetchRefused", "Fetched", "Reach", "check_url", "fetch_json", "send"]

USER_AGENT = "authplane"
DEFAULT_PORTS = {"https": 443, "http": 80}
CHUNK = 4096
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back. ``json`` is None when the body is no JSON; header names are in lower case.

    ``certificate_ends`` is when the other side's certificate does, as seconds since 1970; None
    unless it was asked for, and without TLS.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any
    certificate_ends: int | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """Where requests of one kind may go.

    Hosts in ``private_hosts`` (all of them with ``any_private``) may live at private addresses.
    ``ca_path`` is a file of the only authorities that may vouch for them; empty: the usual ones.
    """

    private_hosts: Collection[str] = ()
    any_private: bool = False
    http: bool = False
    ca_path: str = ""


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

    Raises: FetchRefused when a rule forbids the URL or its addresses; FetchFailed otherwise.
    """
    return send(
        "GET",
        url,
        headers={"Accept": accept} | ({"If-None-Match": etag} if etag else {}),
        max_bytes=max_bytes,
        timeout=timeout,
        reach=Reach(allowed_private_hosts, allow_private, allow_http),
    )


def send(
    method: str,
    url: str,
    *,
    max_bytes: int,
    timeout: float,
    reach: Reach,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    document: Any = None,
    content: bytes | None = None,
    wants_body: bool = True,
    wants_certificate: bool = False,
) -> Fetched:
    """The answer, of whatever status, to a request with a form, a JSON document, bytes or neither.

    ``timeout`` in seconds covers everything from the name look-up to the last byte. Without
    ``wants_body`` the connection is closed after the headers: some answers never end.

    Raises: FetchRefused when a rule forbids the URL or its addresses; FetchFailed otherwise, which
    says whether any of the request had left.
    """
    deadline = time.monotonic() + timeout
    addresses = _checked(url, reach, deadline=deadline)
    transport = PinnedTransport(addresses, deadline=deadline, tls=_tls(reach.ca_path))
    sent = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
    if form is not None:
        content, sent["Content-Type"] = urlencode(form).encode(), FORM
    elif document is not None:
        content, sent["Content-Type"] = json.dumps(document).encode(), "application/json"
    try:
        with (
            httpx.Client(transport=transport, trust_env=False, follow_redirects=False) as client,
            client.stream(
                method, url, headers=sent | dict(headers or {}), content=content, timeout=timeout
            ) as response,
        ):
            # Before the body: with its last byte the connection may be gone.
            ends = _certificate_ends(response) if wants_certificate else None
            body = _read(response, max_bytes=max_bytes) if wants_body else b""
            return Fetched(
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=body,
                json=_parsed(body),
                certificate_ends=ends,
            )
    except httpx.TimeoutException:
        raise FetchFailed("took too long", sent=transport.has_sent) from None
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        raise FetchFailed(
            f"transport failed: {type(error).__name__}", sent=transport.has_sent
        ) from None


def _certificate_ends(response: httpx.Response) -> int | None:
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("ssl_object") if stream is not None else None
    if connection is None:
        return None
    told = (connection.getpeercert() or {}).get("notAfter")
    return int(ssl.cert_time_to_seconds(told)) if isinstance(told, str) else None


def _tls(ca_path: str) -> ssl.SSLContext:
    """Raises: FetchFailed when the authorities cannot be read."""
    try:
        return tls_context(ca_path)
    except (OSError, ssl.SSLError):
        raise FetchFailed("the file of certificate authorities cannot be read") from None


def _checked(url: str, reach: Reach, *, deadline: float) -> list[str]:
    """The addresses of the URL's host, all of which may be connected to."""
    host, port = check_url(url, allow_http=reach.http)
    is_private_host = reach.any_private or host in reach.private_hosts
    permitted = is_reachable_private if is_private_host else is_public
    addresses = resolve(host, port, deadline=deadline)
    if not addresses:
        raise FetchFailed("host has no address")
    if not all(permitted(address) for address in addresses):
        # One private address among public ones is a rebinding attempt, not a coincidence.
        raise FetchRefused("host has an address that is not public")
    return addresses


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
        raise FetchFailed("answer is compressed", sent=True)
    announced = response.headers.get("Content-Length", "0")
    if announced.isdigit() and int(announced) > max_bytes:
        raise FetchFailed("answer is too large", sent=True)
    body = bytearray()
    for chunk in response.iter_raw(CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise FetchFailed("answer is too large", sent=True)
    return bytes(body)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
