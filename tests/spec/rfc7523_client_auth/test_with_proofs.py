"""An assertion beside a DPoP proof: what the client may mend costs it nothing."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey
from tests.support.factories import driver_for, make_client
from tests.support.published import key_set, signing_key

pytestmark = pytest.mark.django_db

KEY = signing_key()


@pytest.fixture
def client(scene):
    row = make_client(
        token_endpoint_auth_method="private_key_jwt",
        client_jwks=key_set(KEY),
        grant_types=["client_credentials"],
        scope="read",
    )
    return driver_for(row, base=scene.client, resource=scene.resource.uri, private_jwk=KEY)


def test_a_demand_for_a_nonce_does_not_use_the_assertion_up(scene, client, override_config):
    override_config(dpop={"require_nonce": True})
    key = DPoPKey()
    credentials, _ = client.client_authentication()
    form = {"grant_type": "client_credentials", "resource": client.resource} | credentials

    def send():
        proof = key.proof(f"{client.issuer}/oauth/token")
        return scene.post("/oauth/token", form, headers={"DPoP": proof})

    with nothing_changes():
        answer = send()
    assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce")
    key.nonce = answer.headers["dpop-nonce"]
    assert send().json()["token_type"] == "DPoP"
    answer = send()
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_bad_proof_does_not_use_the_assertion_up(scene, client):
    credentials, _ = client.client_authentication()
    form = {"grant_type": "client_credentials", "resource": client.resource} | credentials

    with nothing_changes():
        answer = scene.post("/oauth/token", form, headers={"DPoP": "no.proof.atall"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    assert scene.post("/oauth/token", form).status_code == 200
