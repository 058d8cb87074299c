"""Private keys with which this server proves who it is at services of others."""

from __future__ import annotations

from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from authplane.core.jose import thumbprint

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey
LEAST_RSA_BITS: Final = 2048


class BadKey(Exception):
    """The private key cannot sign; the text says why and holds nothing of it."""


def read_key(pem: str) -> tuple[PrivateKey, str]:
    """The key of a PEM text (PKCS#8, PKCS#1 or SEC1, no passphrase), and what it signs with.

    Raises: BadKey.
    """
    try:
        key = load_pem_private_key(pem.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("is no PEM private key without a passphrase") from None
    if isinstance(key, RSAPrivateKey):
        if key.key_size < LEAST_RSA_BITS:
            raise BadKey(f"has fewer than {LEAST_RSA_BITS} bits")
        return key, "RS256"
    if isinstance(key, EllipticCurvePrivateKey):
        if not isinstance(key.curve, SECP256R1):
            raise BadKey("is not on the curve P-256")
        return key, "ES256"
    raise BadKey("is neither RSA nor on the curve P-256")


def signing_key(pem: str, *, algorithm: str) -> PrivateKey:
    """The key of a PEM text that signs with ``algorithm``. Raises: BadKey."""
    key, fitting = read_key(pem)
    if fitting != algorithm:
        raise BadKey(f"does not fit {algorithm}")
    return key


def public_jwk(pem: str) -> dict[str, Any]:
    """What a service has to know of the key; its id is its thumbprint. Raises: BadKey."""
    key, algorithm = read_key(pem)
    if isinstance(key, RSAPrivateKey):
        jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    known = {name: value for name, value in jwk.items() if name != "key_ops"}
    return known | {"kid": thumbprint(known), "alg": algorithm, "use": "sig"}
