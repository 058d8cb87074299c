"""TLS client certificates, as a proxy in front of the server saw them.

The server never ends TLS itself. What it knows about a certificate stands in a header, and a
header is worth as much as the connection it came over: only configured proxies are believed, and
from everybody else the header is not even read.
"""

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from cryptography import x509

from authplane.core.config import config
from authplane.core.hashing import b64url, constant_time_equals, sha256
from oauth.errors import OAuthError, Reason

MAX_HEADER: Final = 16 * 1024
VERIFIED: Final = "SUCCESS"
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_END: Final = b"-----END CERTIFICATE-----"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate whose key the caller used in the TLS handshake.

    `is_verified`: the proxy found that an authority it trusts issued it.
    """

    der: bytes
    is_verified: bool

    @property
    def thumbprint(self) -> str:
        """What `x5t#S256` holds.

        Spec: RFC 8705 section 3.1 (base64url of the SHA-256 of the DER encoding).
        """
        return b64url(sha256(self.der))

    @property
    def parsed(self) -> x509.Certificate:
        """The certificate's fields."""
        return x509.load_der_x509_certificate(self.der)


def is_enabled() -> bool:
    """Whether a proxy is configured that may speak about certificates."""
    return bool(config().certificates.trusted_proxies)


def presented_certificate(meta: Mapping[str, Any]) -> Certificate | None:
    """The caller's certificate; None when there is none or nobody we trust told us about it.

    `meta` is the request's environment. Two headers that a server joined are no certificate, so
    that a proxy which adds its header without removing the caller's fails closed.

    Raises: OAuthError(CERTIFICATE_UNREADABLE).
    """
    settings = config().certificates
    if not settings.trusted_proxies:
        return None
    written = meta.get(_variable(settings.header), "")
    if not written or not _is_trusted(meta.get("REMOTE_ADDR", ""), settings.trusted_proxies):
        return None
    if len(written) > MAX_HEADER:
        raise OAuthError(Reason.CERTIFICATE_UNREADABLE)
    read = _from_rfc9440 if settings.format == "rfc9440" else _from_escaped_pem
    try:
        der = read(written)
        # Reading it proves that it is one certificate and nothing else.
        x509.load_der_x509_certificate(der)
    except ValueError:
        raise OAuthError(Reason.CERTIFICATE_UNREADABLE) from None
    return Certificate(der, is_verified=meta.get(_variable(settings.verify_header)) == VERIFIED)


def is_held(confirmation: Mapping[str, Any], *, certificate: Certificate | None) -> bool:
    """The caller holds the certificate that a token is bound to, or it is bound to none.

    `confirmation` is the token's `cnf` claim.

    Spec: RFC 8705 section 3 (MUST verify that the certificate matches).
    """
    bound = confirmation.get("x5t#S256")
    if bound is None:
        return True
    return certificate is not None and constant_time_equals(certificate.thumbprint, str(bound))


def network_of(text: str) -> Network:
    """The network, or the single address, that `text` names.

    Raises: ValueError.
    """
    return ipaddress.ip_network(text, strict=True)


def _is_trusted(peer: str, proxies: tuple[str, ...]) -> bool:
    """The connection comes from a configured proxy. What it forwards for does not count here."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in _networks(proxies))


@lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(network_of(proxy) for proxy in proxies)


@lru_cache(maxsize=16)
def _variable(header: str) -> str:
    return f"HTTP_{header.upper().replace('-', '_')}"


def _from_escaped_pem(written: str) -> bytes:
    """One PEM block, percent-encoded, as nginx writes `$ssl_client_escaped_cert`.

    Raises: ValueError.
    """
    text = unquote_to_bytes(written.encode("ascii")).strip()
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        raise ValueError
    body = text.removeprefix(_BEGIN).removesuffix(_END)
    return _decoded(b"".join(body.split()))


def _from_rfc9440(written: str) -> bytes:
    """A byte sequence between colons.

    Spec: RFC 9440 section 2.1; RFC 8941 section 3.3.5.
    Raises: ValueError.
    """
    text = written.strip().encode("ascii")
    colons = 2
    if len(text) <= colons or not text.startswith(b":") or not text.endswith(b":"):
        raise ValueError
    return _decoded(text[1:-1])


def _decoded(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError from error
