"""The claims of an access token. Pure."""

import uuid
from typing import Any

from oauth.tokens.authorization import Authorization


def access_token_claims(
    authorization: Authorization, *, issuer: str, jti: uuid.UUID, issued_at: int
) -> dict[str, Any]:
    """The payload of the JWT; absent rather than empty members.

    `aud` is always an array of one, `nbf` equals `iat`. A bound token names its key, an agent's
    token its agent.

    Spec: RFC 9068 section 2.2; RFC 9449 section 6.1 (`cnf`); RFC 8693 section 4.1 (`act`).
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": authorization.subject,
        "aud": [authorization.resource],
        "client_id": authorization.client.client_id,
    }
    if authorization.scope:
        claims["scope"] = authorization.scope_text
    claims |= {
        "jti": str(jti),
        "iat": issued_at,
        "exp": issued_at + authorization.lifetime,
        "nbf": issued_at,
    }
    if authorization.dpop_jkt:
        claims["cnf"] = {"jkt": authorization.dpop_jkt}
    if authorization.actors:
        claims["act"] = authorization.actors
    if authorization.client.is_agent:
        claims["agent_id"] = authorization.client.client_id
    return claims
