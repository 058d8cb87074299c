"""The parties of a token exchange, each good, so that a test adds one defect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support import factories, oauth_client

if TYPE_CHECKING:
    from broker.models import BrokerProvider
    from oauth.models import Client, ConsentGrant, FrontingLink, Resource
    from tests.support.scene import Scene

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"


@dataclass
class Delegation:
    """An agent got a user's token for `front`; `gateway`, which acts as `front`, exchanges it.

    `back` is where the exchanged token is for. It trusts the gateway with tokens of others; what
    the user allows the agent there is for the test to say.
    """

    scene: Scene
    front: Resource
    back: Resource
    agent: oauth_client.OAuthClient
    gateway: oauth_client.OAuthClient

    @property
    def user(self) -> Any:
        return self.scene.user

    def subject_token(self, **overrides: Any) -> str:
        """The user's token that the agent sends to `front`."""
        given = {"scope": "read write"} | overrides
        return str(self.agent.tokens(self.scene.person, **given)["access_token"])

    def exchange(self, subject_token: str | None = None, **overrides: Any) -> Any:
        """The gateway's exchange of it into `back`."""
        token = subject_token or self.subject_token()
        return self.gateway.exchange(token, **({"resource": self.back.uri} | overrides))

    def exchanged(self, subject_token: str | None = None, **overrides: Any) -> dict[str, Any]:
        """The answer to an exchange that succeeds."""
        answer = self.exchange(subject_token, **overrides)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def claims(self, access_token: str) -> dict[str, Any]:
        return self.agent.claims(access_token)

    def consent(
        self, *scopes: str, resource: Resource | None = None, **fields: Any
    ) -> ConsentGrant:
        """The user allowed the agent these scopes."""
        from oauth.models import ConsentGrant

        return ConsentGrant.objects.create(
            user=self.user,
            client=row(self.agent),
            resource=resource or self.back,
            scopes=list(scopes),
            **fields,
        )

    def link(self, **scope_map: list[str]) -> FrontingLink:
        """`front` stands in front of `back`."""
        from oauth.models import FrontingLink
        from oauth.resources import fronting

        made = FrontingLink.objects.create(source=self.front, target=self.back, scope_map=scope_map)
        fronting.drop()
        return made

    def link_to_upstream(self, provider: BrokerProvider) -> None:
        """`front` stands in front of `forge`, for which the provider makes the tokens."""
        from oauth.models import FrontingLink
        from oauth.resources import fronting, selectors

        forge = factories.make_resource(
            slug="forge",
            uri="",
            backend_kind="broker",
            broker_provider=provider.pk,
            scopes=[{"name": "read"}, {"name": "write", "upstream": "repo:write"}],
        )
        FrontingLink.objects.create(
            source=self.front,
            target=forge,
            scope_map={"read": ["read"], "write": ["read", "write"]},
        )
        selectors.drop()
        fronting.drop()

    def policy(self, resource: Resource, **sections: Any) -> None:
        """The resource's policy, seen at once."""
        from oauth.resources import selectors

        resource.policy = sections
        resource.save()
        selectors.drop()

    def another_exchanger(self, **fields: Any) -> oauth_client.OAuthClient:
        """A further confidential client that may exchange."""
        return exchanger(self.scene, **fields)


def exchanger(scene: Scene, **fields: Any) -> oauth_client.OAuthClient:
    """A confidential client that may exchange tokens and have some of its own."""
    grants = ["authorization_code", "refresh_token", "client_credentials", EXCHANGE]
    made = factories.make_confidential_client(**({"grant_types": grants} | fields))
    return factories.driver_for(made, base=scene.client)


def row(client: oauth_client.OAuthClient) -> Client:
    from oauth.models import Client

    return Client.objects.get(client_id=client.client_id)


def make_delegation(scene: Scene) -> Delegation:
    """`scene`, with `front` its resource and `agent` its public client."""
    from oauth.resources import selectors

    gateway = exchanger(scene)
    front = scene.resource
    front.policy = {
        "runtime": {"client_ids": [scene.watcher.client_id, gateway.client_id]},
    }
    front.save()
    back = factories.make_resource(
        slug="back",
        uri="https://back.example.com/api",
        policy={
            "exchange": {"allowed_client_ids": [gateway.client_id]},
            "runtime": {"client_ids": [scene.watcher.client_id]},
        },
    )
    selectors.drop()
    return Delegation(scene, front, back, scene.client, gateway)
