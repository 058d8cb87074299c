"""pytest plugin: the parties of a token request, each good, so that a test adds one defect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support import factories, oauth_client

if TYPE_CHECKING:
    from authplane.accounts.models import User
    from oauth.models import Client, Resource


@dataclass(frozen=True, slots=True)
class Scene:
    """A user, a resource, and the clients around them.

    `client` is public and acts for the user; `machine` is confidential, may ask for `read` and
    `write` for itself and for users; `watcher` is the resource server, which may ask about every
    token for the resource.
    """

    user: User
    resource: Resource
    client: oauth_client.OAuthClient
    machine: oauth_client.OAuthClient
    watcher: oauth_client.OAuthClient

    @property
    def person(self) -> oauth_client.User:
        """The user at the browser."""
        return factories.person(self.user)

    def authorize(self, **overrides: Any) -> oauth_client.Authorization:
        """A fresh code of the public client."""
        return self.client.authorize(self.person, **overrides)

    def tokens(self, **overrides: Any) -> dict[str, Any]:
        """The token answer to a fresh code of the public client."""
        return self.client.tokens(self.person, **overrides)

    def machine_token(self, **overrides: Any) -> str:
        """An access token that the machine has for itself."""
        answer = self.machine.client_credentials(**overrides)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def is_active(self, access_token: str) -> bool:
        """What the resource server is told."""
        answer = self.watcher.introspect(access_token)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["active"])

    def post(
        self, path: str, form: dict[str, Any], *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """A form post by nobody in particular: only what is given says who is calling."""
        sent = {"Accept": "application/json"} | (headers or {})
        return self.client.http.post(path, data=form, headers=sent)

    def another_client(self, **fields: Any) -> oauth_client.OAuthClient:
        """A further public client for the same resource."""
        row = factories.make_client(**fields)
        return factories.driver_for(row, base=self.client, resource=self.resource.uri)

    def another_machine(self, **fields: Any) -> oauth_client.OAuthClient:
        """A further confidential client for the same resource."""
        made = factories.make_confidential_client(**fields)
        return factories.driver_for(made, base=self.client, resource=self.resource.uri)


@pytest.fixture(autouse=True)
def _keep_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests in this process do not close the connection on which their test has a transaction.

    Said to the connection and not by taking receivers off the signals, because Django's own test
    client puts those back after each of its requests.
    """
    from django.db.backends.base.base import BaseDatabaseWrapper

    close = BaseDatabaseWrapper.close_if_unusable_or_obsolete

    def close_outside_of_transactions(connection: BaseDatabaseWrapper) -> None:
        if not connection.in_atomic_block:
            close(connection)

    monkeypatch.setattr(
        BaseDatabaseWrapper, "close_if_unusable_or_obsolete", close_outside_of_transactions
    )


@pytest.fixture
def scene(oauth: oauth_client.OAuthClient) -> Scene:
    """One user, one resource, three clients."""
    watching = factories.make_confidential_client()
    resource = factories.make_resource(policy={"runtime": {"client_ids": [watching.row.client_id]}})

    def driver(made: Client | factories.Confidential) -> oauth_client.OAuthClient:
        return factories.driver_for(made, base=oauth, resource=resource.uri)

    return Scene(
        user=factories.make_user(),
        resource=resource,
        client=driver(factories.make_client()),
        machine=driver(factories.make_confidential_client(scope="read write")),
        watcher=driver(watching),
    )


def row_of(client: oauth_client.OAuthClient) -> Client:
    """The row behind a driver."""
    from oauth.models import Client

    return Client.objects.get(client_id=client.client_id)


def change_client(client: oauth_client.OAuthClient, **fields: Any) -> None:
    """The row changed and every cache forgot it, as after an operator's request."""
    from oauth.models import Client

    Client.objects.filter(client_id=client.client_id).update(**fields)
    forget_clients()


def forget_clients() -> None:
    """Clients are read anew, as a server does after a commit; a test's transaction has none."""
    from oauth.clients import lookup

    lookup._clients.forget()
