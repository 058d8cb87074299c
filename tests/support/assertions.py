"""We as the identity provider: an audience to assert users to, and a client that may ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support import factories, oauth_client

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPES = "urn:ietf:params:oauth:token-type:"
ID_JAG = f"{TYPES}id-jag"
REMOTE = "https://as.other.example.com"
REMOTE_RESOURCE = "https://mcp.other.example.com/mcp"


def make_audience(**fields: Any) -> Any:
    """Another authorization server with one resource and two scopes."""
    from oauth.models import AssertionAudience
    from oauth.xaa import audiences

    fields.setdefault("name", "The other side")
    fields.setdefault("audience", REMOTE)
    fields.setdefault("resources", [REMOTE_RESOURCE])
    fields.setdefault("scopes", ["chat.read", "chat.write"])
    row = AssertionAudience.objects.create(**fields)
    audiences.drop()
    return row


@dataclass
class Enterprise:
    """A confidential client of ours that users sign in to, and what it may have asserted."""

    client: oauth_client.OAuthClient
    user: oauth_client.User
    audience: Any

    def sign_in(self, **overrides: Any) -> dict[str, Any]:
        """The tokens of a user who signed in, for this server itself."""
        return self.client.tokens(self.user, **({"resource": None, "scope": "openid"} | overrides))

    def assertion(
        self, subject_token: str | None = None, *, kind: str = "refresh_token", **form: Any
    ) -> httpx.Response:
        """The answer to an exchange into an identity assertion; a field of None is left out."""
        if subject_token is None:
            subject_token = self.sign_in()[kind]
        sent = {
            "grant_type": TOKEN_EXCHANGE,
            "requested_token_type": ID_JAG,
            "subject_token": subject_token,
            "subject_token_type": TYPES + kind,
            "audience": self.audience.audience,
            "resource": REMOTE_RESOURCE,
            "scope": "chat.read",
        } | form
        return self.client.token(**sent)

    def change(self, **fields: Any) -> None:
        """The audience changed, and seen by everybody."""
        from oauth.xaa import audiences

        for name, value in fields.items():
            setattr(self.audience, name, value)
        self.audience.save()
        audiences.drop()


def make_enterprise(scene: Any, **audience: Any) -> Enterprise:
    """A client with sign-in and token exchange, listed for an audience."""
    made = factories.make_confidential_client(
        grant_types=["authorization_code", "refresh_token", TOKEN_EXCHANGE]
    )
    client = factories.driver_for(made, base=scene.client)
    audience.setdefault("client_ids", [client.client_id])
    return Enterprise(client, scene.person, make_audience(**audience))
