"""Settings of TLS client certificates."""

from __future__ import annotations

from dataclasses import dataclass

from authplane.core.areas.declare import setting
from authplane.core.env import text_list


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """TLS client certificates, which a proxy in front of the server verifies and passes on."""

    trusted_proxies: tuple[str, ...] = setting(
        "tls_client_auth.trusted_proxies",
        (),
        "Addresses or networks of the proxies whose word about client certificates counts. Empty"
        " turns certificates off; from other addresses the headers are never read.",
        read=text_list,
    )
    header: str = setting(
        "tls_client_auth.header",
        "X-SSL-Client-Cert",
        "Header in which the proxy passes the certificate.",
    )
    format: str = setting(
        "tls_client_auth.format",
        "escaped_pem",
        "How it is written there: URL-encoded PEM (nginx) or as in RFC 9440 (Client-Cert).",
        choices=("escaped_pem", "rfc9440"),
    )
    verify_header: str = setting(
        "tls_client_auth.verify_header",
        "X-SSL-Client-Verify",
        "Header in which the proxy says SUCCESS when a trusted authority issued the certificate.",
    )
    endpoint_base: str = setting(
        "tls_client_auth.endpoint_base",
        "",
        "Base URL of the endpoints that ask for a certificate, when it is not the issuer.",
    )
