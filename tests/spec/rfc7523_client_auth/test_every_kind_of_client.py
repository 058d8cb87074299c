"""`private_key_jwt` for every kind of client, keys in place or published, at every endpoint."""

from __future__ import annotations

import pytest

from oauth.clients.services import create_client
from tests.support.factories import make_resource, make_user, person
from tests.support.published import internet, key_set, signing_key
from tests.support.pushed import authorize_pushed

pytestmark = pytest.mark.django_db

KEY = signing_key("one")
URL = "https://client.example/oauth/client.json"
REDIRECT = "https://client.example/cb"
JWKS_URI = "https://client.example/jwks.json"


@pytest.fixture
def world(monkeypatch):
    with internet(monkeypatch) as reachable:
        reachable.publish("/jwks.json", key_set(KEY))
        yield reachable


def metadata(*, published):
    return {
        "client_name": "Signer",
        "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "private_key_jwt",
        **({"jwks_uri": JWKS_URI} if published else {"jwks": key_set(KEY)}),
    }


def made_by_an_administrator(oauth, world, described):
    return create_client(described).client.client_id


def registered(oauth, world, described):
    answer = oauth.http.post("/oauth/register", json=described)
    assert answer.status_code == 201, answer.text
    return answer.json()["client_id"]


def with_a_document(oauth, world, described):
    world.publish("/oauth/client.json", described | {"client_id": URL})
    return URL


@pytest.mark.parametrize("published", [False, True], ids=["jwks", "jwks_uri"])
@pytest.mark.parametrize("kind", [made_by_an_administrator, registered, with_a_document])
def test_it_holds_at_every_endpoint(oauth, world, kind, published):
    client = oauth.sibling(
        client_id=kind(oauth, world, metadata(published=published)),
        redirect_uri=REDIRECT,
        resource=make_resource().uri,
        auth_method="private_key_jwt",
        private_jwk=KEY,
    )

    tokens = client.redeem(authorize_pushed(client, person(make_user())))
    assert tokens.status_code == 200, tokens.text
    renewed = client.refresh(tokens.json()["refresh_token"]).json()
    assert client.introspect(renewed["access_token"]).json()["active"] is True
    assert client.revoke(renewed["refresh_token"]).status_code == 200
    assert client.introspect(renewed["access_token"]).json()["active"] is False

    client.private_jwk = signing_key("two")
    for answer in (
        client.post_as_client("/oauth/par", client.authorization_request()[1]),
        client.refresh(renewed["refresh_token"]),
        client.introspect(renewed["access_token"]),
        client.revoke(renewed["access_token"]),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
