"""The algorithms we sign with: making keys, reading them, describing their public part."""

from __future__ import annotations

import json
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

RSA_BITS: Final = 2048
RSA_EXPONENT: Final = 65537

_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e")


def new_private_key(algorithm: str) -> PrivateKey:
    """A fresh key for ``algorithm``: ES256, EdDSA (Ed25519) or RS256 (2048 bits)."""
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=RSA_EXPONENT, key_size=RSA_BITS)
    raise ValueError(algorithm)


def encode_private_key(key: PrivateKey) -> bytes:
    """PKCS#8 DER, unencrypted: only ever handed to a driver that seals it."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def decode_private_key(encoded: bytes) -> PrivateKey:
    """The key object of what ``encode_private_key`` gave."""
    key = load_der_private_key(encoded, password=None)
    if not isinstance(
        key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    ):
        raise TypeError(type(key).__name__)
    return key


def public_jwk(key: PublicKey) -> dict[str, Any]:
    """The members that make up the public key, and no others."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        encoded: Any = ECAlgorithm.to_jwk(key)
    elif isinstance(key, ed25519.Ed25519PublicKey):
        encoded = OKPAlgorithm.to_jwk(key)
    else:
        encoded = RSAAlgorithm.to_jwk(key)
    members: dict[str, Any] = json.loads(encoded)
    return {name: members[name] for name in _PUBLIC_MEMBERS if name in members}
