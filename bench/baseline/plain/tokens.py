"""ES256 access tokens for the baseline, with the key object loaded once."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_key = load_pem_private_key(os.environ["BASELINE_SIGNING_KEY_EC"].encode(), password=None)
if not isinstance(_key, ec.EllipticCurvePrivateKey):
    raise TypeError("the baseline signs with an EC key")


def signed_access_token(request: Any, refresh_token: bool = False) -> str:
    """A JWT with the claims that ours carry."""
    now = int(time.time())
    subject = str(request.user.pk) if getattr(request, "user", None) else request.client.client_id
    claims = {
        "iss": os.environ["BASELINE_ISSUER"],
        "sub": subject,
        "aud": ["https://mcp.example.com/mcp"],
        "client_id": request.client.client_id,
        "scope": " ".join(request.scopes or []),
        "iat": now,
        "exp": now + 900,
        "jti": str(uuid.uuid4()),
    }
    return jwt.encode(claims, _key, algorithm="ES256", headers={"kid": "1", "typ": "at+jwt"})
