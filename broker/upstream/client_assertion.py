"""Assertions with which our client proves who it is at a token endpoint, in place of a secret."""

from __future__ import annotations

from typing import Final

import jwt

from authplane.core.hashing import new_secret
from broker.providers.private_keys import public_jwk, read_key

METHOD: Final = "private_key_jwt"
TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECONDS: Final = 60


def client_assertion(pem: str, *, client_id: str, audience: str, now: int) -> dict[str, str]:
    """The parameters that say who asks. ``now`` is seconds since 1970.

    Each one is new, and good for a minute at the one endpoint that ``audience`` names.

    Spec: RFC 7523 sections 2.2 and 3; OpenID Connect Core 1.0 section 9 (`private_key_jwt`).
    Raises: BadKey.
    """
    key, algorithm = read_key(pem)
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": new_secret(32),
        "iat": now,
        "exp": now + SECONDS,
    }
    headers = {"kid": public_jwk(pem)["kid"]}
    return {
        "client_id": client_id,
        "client_assertion_type": TYPE,
        "client_assertion": jwt.encode(claims, key, algorithm=algorithm, headers=headers),
    }
