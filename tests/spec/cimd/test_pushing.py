"""Clients known by a document push and sign: their documents and keys are fetched for it."""

from __future__ import annotations

import pytest

from oauth.models import Client, PushedRequest
from tests.support.factories import make_client, make_resource, make_user, person
from tests.support.published import key_set, signing_key
from tests.support.pushed import authorize_pushed, push, request_object

pytestmark = pytest.mark.django_db

URL = "https://client.example/oauth/client.json"
PATH = "/oauth/client.json"
REDIRECT = "https://client.example/cb"
JWKS = "/oauth/jwks.json"


def document(**members):
    return {"client_id": URL, "client_name": "A client", "redirect_uris": [REDIRECT]} | members


def driver(oauth, **members):
    resource = make_resource()
    return oauth.sibling(client_id=URL, redirect_uri=REDIRECT, resource=resource.uri, **members)


def test_a_push_is_the_beginning_of_an_authorization(oauth, world):
    world.publish(PATH, document())
    client = driver(oauth)

    authorization = authorize_pushed(client, person(make_user()))

    assert client.redeem(authorization).status_code == 200
    assert Client.objects.get(client_id=URL).registration_source == "cimd"


def test_a_document_with_keys_authenticates_from_the_first_push(oauth, world):
    key = signing_key("one")
    world.publish(
        PATH,
        document(
            token_endpoint_auth_method="private_key_jwt",
            jwks_uri=f"https://client.example{JWKS}",
        ),
    )
    world.publish(JWKS, key_set(key))
    client = driver(oauth, auth_method="private_key_jwt", private_jwk=key)

    authorization = authorize_pushed(client, person(make_user()))

    tokens = client.redeem(authorization)
    assert tokens.status_code == 200
    assert client.refresh(tokens.json()["refresh_token"]).status_code == 200


def test_an_unknown_document_pushes_nothing(oauth, world):
    world.publish(PATH, document(client_id="https://elsewhere.example/client.json"))
    client = driver(oauth)

    answer, _, _ = push(client)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert not Client.objects.exists()
    assert not PushedRequest.objects.exists()


def test_a_signed_request_may_name_a_key_nobody_has_seen(oauth, world):
    old, new = signing_key("old"), signing_key("new")
    row = make_client(
        redirect_uris=REDIRECT,
        client_jwks_uri=f"https://client.example{JWKS}",
        request_object_signing_alg="ES256",
    )
    client = driver(oauth)
    client.client_id = row.client_id

    def send(key):
        text, _, _ = request_object(client, key)
        return client.post_as_client("/oauth/par", {"request": text})

    world.publish(JWKS, key_set(old))
    assert send(old).status_code == 201
    world.publish(JWKS, key_set(new))
    assert send(new).status_code == 201


def test_keys_that_cannot_be_had_are_an_outage(oauth, world):
    row = make_client(
        redirect_uris=REDIRECT,
        client_jwks_uri=f"https://client.example{JWKS}",
        request_object_signing_alg="ES256",
    )
    client = driver(oauth)
    client.client_id = row.client_id
    world.publish(JWKS, {}, status=500)
    text, _, _ = request_object(client, signing_key("one"))

    answer = client.post_as_client("/oauth/par", {"request": text})
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"]
    page = client.http.get("/oauth/authorize", params={"client_id": row.client_id, "request": text})
    assert page.status_code == 503
