"""What a protected MCP server needs from us: offline verification of an access token.

The keys come from the authorization server's published key set, once, and again when a token names
a key that is not among them. No request is made per token.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.request import urlopen

import jwt
from mcp.server.auth.provider import AccessToken

ALGORITHMS = ["ES256", "EdDSA", "RS256"]
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]
CLOCK_SKEW = 30


class TokenVerifier:
    """Accepts access tokens of one issuer for one resource, and nothing else."""

    def __init__(self, *, issuer: str, resource: str) -> None:
        self._issuer, self._resource = issuer, resource
        with urlopen(f"{issuer}/.well-known/oauth-authorization-server", timeout=10) as answer:
            metadata = json.load(answer)
        if metadata["issuer"] != issuer:
            raise ValueError("the metadata belongs to another issuer")
        self._keys = jwt.PyJWKClient(metadata["jwks_uri"], lifespan=300, timeout=10)

    async def verify_token(self, token: str) -> AccessToken | None:
        """The verified token; None for one that must not be accepted."""
        try:
            claims = await asyncio.to_thread(self._verified_claims, token)
        except jwt.PyJWTError:
            return None
        return AccessToken(
            token=token,
            client_id=claims["client_id"],
            scopes=claims.get("scope", "").split(),
            expires_at=claims["exp"],
            resource=self._resource,
            subject=claims["sub"],
            claims=claims,
        )

    def _verified_claims(self, token: str) -> dict[str, Any]:
        """Spec: RFC 9068 section 4. Raises: jwt.PyJWTError."""
        if jwt.get_unverified_header(token).get("typ", "").lower() != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        return jwt.decode(
            token,
            self._keys.get_signing_key_from_jwt(token).key,
            algorithms=ALGORITHMS,
            audience=self._resource,
            issuer=self._issuer,
            leeway=CLOCK_SKEW,
            options={"require": REQUIRED},
        )
