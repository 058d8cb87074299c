"""A DPoP proof, or `dpop_jkt`, in a push binds the code (RFC 9449 sections 10 and 10.1)."""

from __future__ import annotations

import pytest

from oauth.models import AuthorizationCode, PushedRequest
from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey
from tests.support.factories import driver_for, make_client
from tests.support.published import key_set, signing_key
from tests.support.pushed import authorize_pushed, push
from tests.support.refusals import Refusal, assert_refused

pytestmark = pytest.mark.django_db

BAD_PROOF = Refusal(400, "invalid_dpop_proof", "the DPoP proof is invalid")


def proof_for(key, client, **claims):
    return {"DPoP": key.proof(f"{client.issuer}/oauth/par", **claims)}


@pytest.mark.spec("RFC 9449", "10.1", "MUST", "a proof at the push endpoint binds the code")
def test_a_proof_binds_the_code(scene):
    key = DPoPKey()
    authorize_pushed(scene.client, scene.person, headers=proof_for(key, scene.client))

    assert AuthorizationCode.objects.get().dpop_jkt == key.jkt


def test_dpop_jkt_alone_does(scene):
    key = DPoPKey()
    authorize_pushed(scene.client, scene.person, dpop_jkt=key.jkt)

    assert AuthorizationCode.objects.get().dpop_jkt == key.jkt


@pytest.mark.spec("RFC 9449", "10.1", "MUST", "dpop_jkt and the proof agree")
def test_both_must_agree(scene):
    key = DPoPKey()
    assert push(scene.client, dpop_jkt=key.jkt, headers=proof_for(key, scene.client))[0].is_success

    with nothing_changes():
        answer, _, _ = push(
            scene.client, dpop_jkt=DPoPKey().jkt, headers=proof_for(key, scene.client)
        )
        assert_refused(answer, BAD_PROOF)


@pytest.mark.parametrize(
    "claims", [{"htm": "GET"}, {"htu": "http://localhost:9000/oauth/token"}, {"iat": 1}]
)
def test_a_bad_proof_is_refused(scene, claims):
    with nothing_changes():
        headers = proof_for(DPoPKey(), scene.client, **claims)
        assert_refused(push(scene.client, headers=headers)[0], BAD_PROOF)


def test_a_proof_is_used_once(scene):
    headers = proof_for(DPoPKey(), scene.client)
    assert push(scene.client, headers=headers)[0].status_code == 201

    with nothing_changes():
        assert_refused(push(scene.client, headers=headers)[0], BAD_PROOF)


def test_a_refused_push_does_not_use_the_proof_up(scene):
    headers = proof_for(DPoPKey(), scene.client)

    with nothing_changes():
        assert push(scene.client, headers=headers, scope="unknown")[0].status_code == 400
    assert push(scene.client, headers=headers)[0].status_code == 201


def test_a_demand_for_a_nonce_spends_nothing(scene, override_config):
    override_config(dpop={"require_nonce": True})
    signing = signing_key()
    row = make_client(token_endpoint_auth_method="private_key_jwt", client_jwks=key_set(signing))
    client = driver_for(row, base=scene.client, resource=scene.resource.uri, private_jwk=signing)
    key = DPoPKey()
    credentials, _ = client.client_authentication()
    _, sent, _ = client.authorization_request()

    def send():
        return scene.post("/oauth/par", sent | credentials, headers=proof_for(key, client))

    with nothing_changes():
        answer = send()
    assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce")
    key.nonce = answer.headers["dpop-nonce"]
    assert send().status_code == 201
    assert PushedRequest.objects.get().parameters["dpop_jkt"] == [key.jkt]
