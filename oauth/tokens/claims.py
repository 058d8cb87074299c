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

    Spec: RFC 9068 sections 2.2 and 2.2.1 (`auth_time`, `acr`, `amr`); RFC 9449 section 6.1 and
    RFC 8705 section 3.1 (`cnf`); RFC 8693 section 4.1 (`act`).
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": authorization.subject,
        "aud": [authorization.resource],
        "client_id": authorization.client_claim,
    }
    if authorization.scope:
        claims["scope"] = authorization.scope_text
    claims |= {
        "jti": str(jti),
        "iat": issued_at,
        "exp": issued_at + authorization.lifetime,
        "nbf": issued_at,
    }
    if authorization.projects is not None:
        # Present though empty: a token whose projects are gone opens none, instead of all.
        claims["projects"] = list(authorization.projects)
    return claims | _what_else_is_known(authorization)


def _what_else_is_known(authorization: Authorization) -> dict[str, Any]:
    """What binds the token, who acts, and how the user signed in; absent when there is nothing."""
    agent = authorization.client.client_id if authorization.client.is_agent else ""
    members: dict[str, Any] = {
        "cnf": authorization.confirmation,
        "act": authorization.actors,
        "agent_id": agent,
        "agent_chain": list(authorization.agent_chain),
        "auth_time": authorization.auth_time,
        "acr": authorization.acr,
        "amr": list(authorization.amr),
    }
    return {name: value for name, value in members.items() if value}
