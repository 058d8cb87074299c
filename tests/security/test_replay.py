"""What may be used once is used once: codes, refresh tokens, assertions."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.support.digests import nothing_changes
from tests.support.factories import driver_for, make_client
from tests.support.oauth_client import JWT_BEARER
from tests.support.record import recorded
from tests.support.refusals import INVALID_CLIENT, INVALID_GRANT, assert_refused


@pytest.fixture
def signing_client(scene):
    """A client that proves itself with a key."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = json.loads(ECAlgorithm.to_jwk(key)) | {"kid": "one", "alg": "ES256"}
    public = {name: value for name, value in private.items() if name != "d"}
    row = make_client(
        token_endpoint_auth_method="private_key_jwt",
        client_jwks={"keys": [public]},
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        scope="read",
    )
    return driver_for(row, base=scene.client, resource=scene.resource.uri, private_jwk=private)


@pytest.mark.spec("RFC 7523", "3", "MAY", "a client assertion is used at most once")
def test_an_assertion_works_once_and_at_one_place(signing_client):
    assertion = signing_client.client_assertion()
    form = {
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion,
        "grant_type": "client_credentials",
        "token": "x",
    }
    bare = signing_client.sibling()

    def send(path):
        return bare.post_as_client(path, form | {"client_id": None})

    assert send("/oauth/token").status_code == 200
    with nothing_changes():
        for path in ("/oauth/token", "/token", "/oauth/introspect", "/oauth/revoke", "/oauth/par"):
            assert_refused(send(path), INVALID_CLIENT)


def test_an_assertion_that_fails_is_not_used_up(signing_client):
    """Whoever can see an assertion cannot burn it with a changed copy."""
    assertion = signing_client.client_assertion()
    head, body, signature = assertion.split(".")
    form = {"client_assertion_type": JWT_BEARER, "grant_type": "client_credentials"}
    bare = signing_client.sibling()

    def send(value):
        fields = form | {"client_assertion": value, "client_id": None}
        return bare.post_as_client("/oauth/token", fields)

    with nothing_changes():
        assert_refused(send(f"{head}.{body}.{signature[::-1]}"), INVALID_CLIENT)
    assert send(assertion).status_code == 200


def test_a_client_with_a_key_can_use_every_grant(scene, signing_client):
    tokens = signing_client.tokens(scene.person)
    assert signing_client.refresh(tokens["refresh_token"]).status_code == 200
    assert scene.is_active(tokens["access_token"])
    with nothing_changes():
        assert_refused(
            signing_client.sibling(client_id=signing_client.client_id).refresh(
                tokens["refresh_token"]
            ),
            INVALID_CLIENT,
        )


def test_a_code_and_the_refresh_token_it_became_share_one_fate(scene):
    """Replaying the code, later the refresh token: the family ends once and stays ended."""
    authorization = scene.authorize()
    first = scene.client.redeem(authorization).json()
    assert_refused(scene.client.redeem(authorization), INVALID_GRANT)

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization), INVALID_GRANT)
        assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)
    assert len(recorded("family.revoked")) == 1


def test_a_replay_ends_no_other_family_of_the_same_user(scene, override_config):
    override_config(tokens={"refresh_replay_window": 0})
    attacked, other = scene.tokens(), scene.machine.tokens(scene.person)
    stolen = scene.client.refresh(attacked["refresh_token"]).json()
    assert_refused(scene.client.refresh(attacked["refresh_token"]), INVALID_GRANT)

    assert not scene.is_active(stolen["access_token"])
    assert scene.is_active(other["access_token"])


def test_an_access_token_is_a_bearer_token_and_may_be_used_again(scene):
    token = scene.tokens(resource=None, scope="openid")["access_token"]

    assert [scene.client.userinfo(token).status_code for _ in range(3)] == [200] * 3
