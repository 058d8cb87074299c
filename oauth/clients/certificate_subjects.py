"""`tls_client_auth`: the one name by which a client's certificates are known (RFC 8705)."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

from cryptography import x509

from oauth.clients.certificates import Certificate
from oauth.errors import OAuthError, Reason
from oauth.models import Client

SUBJECT_MEMBERS: Final = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
MAX_VALUE: Final = 1024
_DNS: Final = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+")
_EMAIL: Final = re.compile(r"[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+")


def require_certificate(presented: Certificate | None, *, client: Client) -> None:
    """The caller's certificate was issued by an authority we trust to the registered subject.

    Spec: RFC 8705 sections 2.1 and 2.1.2.
    Raises: OAuthError(CLIENT_CERTIFICATE_MISSING), OAuthError(CLIENT_CERTIFICATE_WRONG).
    """
    if presented is None:
        raise OAuthError(Reason.CLIENT_CERTIFICATE_MISSING)
    if not presented.is_verified or not is_subject(presented.parsed, client.tls_client_auth or {}):
        raise OAuthError(Reason.CLIENT_CERTIFICATE_WRONG)


def subject_problem(member: str, value: object) -> str | None:
    """What is wrong with a registered subject, in constant words; None when it can be compared."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > MAX_VALUE:
        return f"{member} must be one line of text"
    try:
        if _is_comparable(member, value):
            return None
    except ValueError:
        pass
    return f"{member} is not written as such a name is"


def is_subject(certificate: x509.Certificate, registered: Mapping[str, Any]) -> bool:
    """The certificate carries the one registered name.

    Names are compared whole: a wildcard in a certificate is a name of many machines and stands for
    none of them here.
    """
    if len(registered) != 1:
        return False
    [(member, value)] = registered.items()
    try:
        if member == "tls_client_auth_subject_dn":
            return certificate.subject == x509.Name.from_rfc4514_string(value)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return _is_among(names, member, value)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False


def _is_among(names: x509.SubjectAlternativeName, member: str, value: str) -> bool:
    if member == "tls_client_auth_san_dns":
        # DNS compares names without case (RFC 4343).
        return value.lower() in [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    if member == "tls_client_auth_san_uri":
        return value in names.get_values_for_type(x509.UniformResourceIdentifier)
    if member == "tls_client_auth_san_ip":
        # Compared as numbers: one IPv6 address has several spellings (RFC 8705 section 2.1.2).
        return ipaddress.ip_address(value) in names.get_values_for_type(x509.IPAddress)
    if member == "tls_client_auth_san_email":
        return value in names.get_values_for_type(x509.RFC822Name)
    return False


def _is_comparable(member: str, value: str) -> bool:
    """Raises: ValueError."""
    if member == "tls_client_auth_subject_dn":
        return len(x509.Name.from_rfc4514_string(value).rdns) > 0
    if member == "tls_client_auth_san_ip":
        return bool(ipaddress.ip_address(value))
    patterns = {
        "tls_client_auth_san_dns": _DNS,
        "tls_client_auth_san_uri": _URI,
        "tls_client_auth_san_email": _EMAIL,
    }
    return patterns[member].fullmatch(value) is not None
