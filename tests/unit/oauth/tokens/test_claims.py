"""The claims of an access token."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from oauth.models import Client
from oauth.tokens.authorization import Authorization
from oauth.tokens.claims import access_token_claims

JTI = uuid.UUID(int=7)
names = st.lists(st.text("abc:._-", min_size=1, max_size=5), max_size=4, unique=True)


def authorization(**changes) -> Authorization:
    return Authorization(
        **{
            "kind": "authorization_code",
            "client": Client(client_id="c"),
            "subject": "s",
            "resource": "https://r",
            "scope": ("read",),
            "lifetime": 60,
        }
        | changes
    )


def claims_of(made: Authorization, *, at: int = 1000):
    return access_token_claims(made, issuer="https://as", jti=JTI, issued_at=at)


@given(st.integers(0, 10**10), st.integers(1, 10**6), names)
def test_times_and_required_claims(at, lifetime, scope):
    claims = claims_of(authorization(lifetime=lifetime, scope=tuple(scope)), at=at)

    assert (claims["iat"], claims["nbf"], claims["exp"]) == (at, at, at + lifetime)
    assert {"iss", "sub", "aud", "client_id", "jti"} <= claims.keys()
    assert claims["aud"] == ["https://r"]
    assert claims.get("scope", "").split() == scope


def test_members_that_do_not_apply_are_absent():
    claims = claims_of(authorization(scope=()))

    assert claims.keys().isdisjoint({"scope", "cnf", "act", "agent_id"})


def test_a_bound_token_names_its_key_and_an_agents_token_its_agent():
    agent = Client(client_id="agent-1", is_agent=True)
    claims = claims_of(
        authorization(client=agent, dpop_jkt="thumbprint", actors={"sub": "gateway"})
    )

    assert claims["cnf"] == {"jkt": "thumbprint"}
    assert claims["act"] == {"sub": "gateway"}
    assert claims["agent_id"] == "agent-1"
