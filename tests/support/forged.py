"""Access tokens that this server did not make, one defect each."""

from __future__ import annotations

import base64
import hmac
import json
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Header, claims and signature."""
    header, claims, signature = token.split(".")
    return json.loads(_decoded(header)), json.loads(_decoded(claims)), signature


def unsigned(token: str, *, algorithm: str = "none") -> str:
    """The same token that says it needs no signature."""
    header, claims, _ = parts_of(token)
    return f"{_encoded(header | {'alg': algorithm})}.{_encoded(claims)}."


def with_claims(token: str, **claims: Any) -> str:
    """Other claims under the old signature."""
    header, before, signature = parts_of(token)
    return f"{_encoded(header)}.{_encoded(before | claims)}.{signature}"


def with_header(token: str, **members: Any) -> str:
    """Another header over the old claims and signature."""
    header, claims, signature = parts_of(token)
    return f"{_encoded(header | members)}.{_encoded(claims)}.{signature}"


def signed_by_a_stranger(token: str, **members: Any) -> str:
    """The same claims under a key of our own making, with the header of the real key."""
    header, claims, _ = parts_of(token)
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims, key, algorithm="ES256", headers={**header, **members})


def secrets_from(jwk: dict[str, Any]) -> list[bytes]:
    """What a careless verifier might take for a shared secret, made of the public key."""
    public = jwt.PyJWK.from_dict(jwk).key
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return [pem, pem.strip(), der, json.dumps(jwk).encode(), jwk["x"].encode(), _decoded(jwk["x"])]


def with_mac(token: str, secret: bytes, *, algorithm: str = "HS256", **members: Any) -> str:
    """The same claims under a MAC with this secret."""
    header, claims, _ = parts_of(token)
    body = f"{_encoded(header | {'alg': algorithm} | members)}.{_encoded(claims)}"
    return f"{body}.{_base64(hmac.new(secret, body.encode(), sha256).digest())}"


def signed_by_us(**changes: Any) -> str:
    """A token under the server's real key, as if it had issued it; None removes a claim."""
    from authplane.core import clock
    from authplane.core.config import config
    from authplane.core.ids import uuid7
    from oauth.keys.store import signing_key

    now = clock.epoch()
    header = {"typ": changes.pop("typ", "at+jwt")}
    claims = {
        "iss": config().server.issuer,
        "sub": "somebody",
        "aud": [config().server.issuer],
        "client_id": "some-client",
        "jti": str(uuid7()),
        "iat": now,
        "nbf": now,
        "exp": now + 900,
    } | changes
    key = signing_key()
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not None},
        key.private_key,
        algorithm=key.algorithm,
        headers=header | {"kid": key.kid},
    )


def _encoded(members: dict[str, Any]) -> str:
    return _base64(json.dumps(members, separators=(",", ":")).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
