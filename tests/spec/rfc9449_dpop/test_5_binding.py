"""RFC 9449 sections 5, 6 and 10: what a proof binds, and what stays unspent when it fails."""

from __future__ import annotations

import jwt
import pytest

from oauth.models import Client, TokenFamily
from tests.spec.rfc9449_dpop.conftest import TOKEN_URL
from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey
from tests.support.pushed import authorize_pushed
from tests.support.refusals import (
    INVALID_PROOF,
    KEY_MISMATCH,
    PROOF_REQUIRED,
    assert_refused,
)

pytestmark = pytest.mark.django_db

OTHER = DPoPKey()


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.fixture
def bound(scene, key):
    """The public client of the scene with a key of its own."""
    scene.client.dpop = key
    return scene.client


@pytest.mark.spec("RFC 9449", "5", "MUST", "a proof at the token endpoint binds the access token")
def test_a_code_with_a_proof_yields_a_bound_token(scene, bound, key):
    answer = bound.redeem(scene.authorize())

    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    assert claims_of(answer.json()["access_token"])["cnf"] == {"jkt": key.jkt}


@pytest.mark.spec("RFC 9449", "4.3", "MUST", "a refused proof spends no code")
def test_a_refused_proof_leaves_the_code_good(scene, bound, key):
    code = scene.authorize()

    with nothing_changes():
        refused = bound.redeem(code, headers={"DPoP": key.proof(TOKEN_URL, htm="GET")})

    assert_refused(refused, INVALID_PROOF)
    assert bound.redeem(code).status_code == 200


def test_a_used_proof_leaves_the_code_good(scene, bound, key):
    proof = key.proof(TOKEN_URL)
    first, second = scene.authorize(), scene.authorize()
    assert bound.redeem(first, headers={"DPoP": proof}).status_code == 200

    with nothing_changes():
        refused = bound.redeem(second, headers={"DPoP": proof})

    assert_refused(refused, INVALID_PROOF)
    assert bound.redeem(second).status_code == 200


def test_a_wrong_verifier_leaves_the_proof_good(scene, bound, key):
    """A proof is used up by the request that it lets through, not by one that fails."""
    proof, code = key.proof(TOKEN_URL), scene.authorize()
    headers = {"DPoP": proof}

    assert bound.redeem(code, code_verifier="x" * 43, headers=headers).status_code == 400

    assert bound.redeem(code, headers=headers).status_code == 200


@pytest.mark.spec("RFC 9449", "5", "MUST", "refresh tokens of public clients are bound to the key")
@pytest.mark.parametrize("thief", [None, OTHER])
def test_a_public_clients_refresh_token_needs_its_key(scene, bound, key, thief):
    tokens = bound.tokens(scene.person)
    bound.dpop = thief
    with nothing_changes():
        refused = bound.refresh(tokens["refresh_token"])
    assert_refused(refused, KEY_MISMATCH)

    bound.dpop = key
    answer = bound.refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    assert claims_of(answer.json()["access_token"])["cnf"] == {"jkt": key.jkt}


def test_a_replay_by_another_key_ends_nothing(scene, bound, key, override_config):
    override_config(tokens={"refresh_replay_window": 0})
    tokens = bound.tokens(scene.person)
    assert bound.refresh(tokens["refresh_token"]).status_code == 200
    bound.dpop = OTHER

    assert_refused(bound.refresh(tokens["refresh_token"]), KEY_MISMATCH)

    assert TokenFamily.objects.filter(revoked_at=None).count() == 1


def test_the_repeated_answer_needs_a_proof_of_its_own(scene, bound, key):
    tokens = bound.tokens(scene.person)
    proof = key.proof(TOKEN_URL)
    first = bound.refresh(tokens["refresh_token"], headers={"DPoP": proof})

    with nothing_changes():
        refused = bound.refresh(tokens["refresh_token"], headers={"DPoP": proof})
    again = bound.refresh(tokens["refresh_token"])

    assert_refused(refused, INVALID_PROOF)
    assert again.json() == first.json()


def test_a_confidential_clients_refresh_token_is_bound_to_its_credential(scene, key):
    row = Client.objects.get(client_id=scene.machine.client_id)
    row.grant_types = ["authorization_code", "refresh_token"]
    row.redirect_uris = scene.client.redirect_uri
    row.save()
    scene.machine.redirect_uri, scene.machine.dpop = scene.client.redirect_uri, key
    tokens = scene.machine.tokens(scene.person)
    scene.machine.dpop = OTHER

    answer = scene.machine.refresh(tokens["refresh_token"])

    assert claims_of(answer.json()["access_token"])["cnf"] == {"jkt": OTHER.jkt}


@pytest.mark.spec("RFC 9449", "5.2", "MUST", "a client of bound tokens gets no others")
def test_a_client_that_asks_for_bound_tokens_gets_no_others(scene, ask, key):
    Client.objects.filter(client_id=scene.machine.client_id).update(dpop_bound_access_tokens=True)

    with nothing_changes():
        refused = ask()

    assert_refused(refused, PROOF_REQUIRED)
    assert ask(key.proof(TOKEN_URL)).json()["token_type"] == "DPoP"


def test_the_member_is_registered_and_told(scene):
    document = {
        "client_name": "Bound",
        "redirect_uris": ["https://client.example.com/cb"],
        "dpop_bound_access_tokens": True,
    }

    answer = scene.client.http.post("/oauth/register", json=document)

    assert answer.status_code == 201, answer.text
    assert answer.json()["dpop_bound_access_tokens"] is True
    assert Client.objects.get(client_id=answer.json()["client_id"]).dpop_bound_access_tokens


@pytest.mark.spec("RFC 9449", "10", "MUST", "dpop_jkt binds the code to the key")
@pytest.mark.parametrize("thief", [None, OTHER])
def test_a_code_asked_for_with_a_key_needs_it(scene, bound, key, thief):
    code = scene.authorize(dpop_jkt=key.jkt)
    bound.dpop = thief

    with nothing_changes():
        refused = bound.redeem(code)

    assert_refused(refused, KEY_MISMATCH)
    bound.dpop = key
    assert bound.redeem(code).json()["token_type"] == "DPoP"


@pytest.mark.spec("RFC 9449", "10.1", "MUST", "a proof at the push endpoint binds the code")
def test_a_pushed_proof_binds_the_code(scene, bound, key):
    code = authorize_pushed(bound, scene.person)
    bound.dpop = OTHER
    with nothing_changes():
        refused = bound.redeem(code)
    assert_refused(refused, KEY_MISMATCH)

    bound.dpop = key
    assert bound.redeem(code).json()["token_type"] == "DPoP"


@pytest.mark.spec("RFC 9449", "6.2", "MUST", "introspection tells the key of a bound token")
def test_introspection_tells_the_key(scene, bound, key):
    tokens = bound.tokens(scene.person)

    told = scene.watcher.introspect(tokens["access_token"]).json()

    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": key.jkt})


@pytest.mark.spec("RFC 9449", "5.1", "MUST", "the metadata names the algorithms of proofs")
def test_the_metadata_names_the_algorithms(scene, override_config):
    place = "/.well-known/oauth-authorization-server"

    named = scene.client.http.get(place).json()["dpop_signing_alg_values_supported"]

    assert named == ["ES256", "EdDSA", "PS256", "RS256"]


def test_while_it_is_off_the_metadata_is_silent(scene, override_config):
    override_config(features={"dpop": False})
    place = "/.well-known/oauth-authorization-server"

    assert "dpop_signing_alg_values_supported" not in scene.client.http.get(place).json()
