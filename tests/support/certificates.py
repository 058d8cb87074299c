"""Certificates made on the spot: an authority, a server, clients; and how proxies write them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def x5t(self) -> str:
        """The thumbprint as RFC 8705 writes it."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.der).digest()).rstrip(b"=").decode()

    @property
    def escaped(self) -> str:
        """As nginx writes `$ssl_client_escaped_cert`."""
        return quote(self.pem.decode(), safe="")

    @property
    def structured(self) -> str:
        """As RFC 9440 writes it."""
        return f":{base64.b64encode(self.der).decode()}:"

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Files with the certificate and the key."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.pem)
        key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, key


def name(common: str, **further: str) -> x509.Name:
    """A distinguished name: country and organisation where given, then the common name."""
    given = {
        NameOID.COUNTRY_NAME: further.get("country"),
        NameOID.ORGANIZATION_NAME: further.get("organization"),
        NameOID.COMMON_NAME: common,
    }
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in given.items() if value])


def issue(
    subject: x509.Name | str,
    *,
    issuer: Issued | None = None,
    san: list[x509.GeneralName] | None = None,
    authority: bool = False,
    lasts: dt.timedelta = DAY,
) -> Issued:
    """A certificate; signed by itself when there is no issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    about = name(subject) if isinstance(subject, str) else subject
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(about)
        .issuer_name(issuer.certificate.subject if issuer else about)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * DAY)
        .not_valid_after(now + lasts)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName(san), critical=False)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def names(**given: Any) -> list[x509.GeneralName]:
    """Alternative names: `dns=`, `uri=`, `ip=`, `email=`."""
    makers = {
        "dns": x509.DNSName,
        "uri": x509.UniformResourceIdentifier,
        "ip": lambda text: x509.IPAddress(ipaddress.ip_address(text)),
        "email": x509.RFC822Name,
    }
    return [makers[kind](value) for kind, value in given.items()]
