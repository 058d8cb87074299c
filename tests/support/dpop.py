"""DPoP as a client does it: a key, proofs by it, the nonce it was last told.

`OAuthClient(..., dpop=DPoPKey())` puts a proof on every request of that driver.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from typing import Any

import jwt

from tests.support.published import PRIVATE, signing_key

TYPE = "dpop+jwt"
REQUIRED = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


class DPoPKey:
    """A key pair and what its holder remembers: `nonce` is the last one the server gave."""

    def __init__(self, algorithm: str = "ES256", *, private_jwk: dict[str, Any] | None = None):
        self.algorithm = algorithm
        self.private_jwk = private_jwk or signing_key(None, kind=algorithm)
        self.nonce: str | None = None

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The half that goes into a proof."""
        members = self.private_jwk.items()
        return {name: value for name, value in members if name not in {*PRIVATE, "alg", "kid"}}

    @property
    def jkt(self) -> str:
        """The thumbprint that tokens are bound to (RFC 7638)."""
        names = REQUIRED[self.public_jwk["kty"]]
        canonical = {name: self.public_jwk[name] for name in names}
        return b64(hashlib.sha256(json.dumps(canonical, separators=(",", ":")).encode()).digest())

    def proof(
        self,
        url: str,
        *,
        method: str = "POST",
        access_token: str | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A fresh proof for one request, good unless something is overridden; None removes it."""
        members: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "nonce": self.nonce,
        }
        if access_token is not None:
            members["ath"] = b64(hashlib.sha256(access_token.encode()).digest())
        top = {"typ": TYPE, "jwk": self.public_jwk} | (header or {})
        return self.sign(present(members | claims), header=present(top))

    def sign(self, claims: Any, *, header: dict[str, Any]) -> str:
        """Exactly these claims under exactly this header, signed by this key."""
        body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        key = jwt.PyJWK.from_dict({**self.private_jwk, "alg": self.algorithm}).key
        head = b64(json.dumps({"alg": self.algorithm} | header).encode())
        signed = f"{head}.{b64(body)}"
        made = jwt.get_algorithm_by_name(self.algorithm).sign(signed.encode(), key)
        return f"{signed}.{b64(made)}"


def present(members: dict[str, Any]) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def b64(value: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
