"""RFC 9449 section 7: bound tokens at a protected resource, here `/oauth/userinfo`."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey

pytestmark = pytest.mark.django_db

URL = "http://localhost:9000/oauth/userinfo"
ALGS = 'algs="ES256 EdDSA PS256 RS256"'


@pytest.fixture
def token(scene, key):
    scene.client.dpop, scene.client.resource = key, None
    return scene.client.tokens(scene.person, scope="openid email")["access_token"]


def show(scene, token, *, scheme="DPoP", **headers):
    return scene.client.http.get(
        "/oauth/userinfo",
        headers={"Authorization": f"{scheme} {token}", "Accept": "application/json"} | headers,
    )


def test_a_bound_token_with_its_proof(scene, token, key):
    answer = show(scene, token, DPoP=key.proof(URL, method="GET", access_token=token))

    assert (answer.status_code, answer.json()["email"]) == (200, scene.person.email)
    assert answer.headers["dpop-nonce"]


@pytest.mark.spec("RFC 9449", "7.2", "MUST", "a bound token is no bearer token")
def test_a_bound_token_is_no_bearer_token(scene, token, key):
    proof = key.proof(URL, method="GET", access_token=token)

    for headers in ({}, {"DPoP": proof}):
        answer = show(scene, token, scheme="Bearer", **headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert ALGS in answer.headers["www-authenticate"]


@pytest.mark.spec("RFC 9449", "7.1", "MUST", "a bearer token is refused under the DPoP scheme")
def test_a_bearer_token_is_no_bound_token(scene, key):
    scene.client.resource = None
    token = scene.client.tokens(scene.person, scope="openid")["access_token"]

    answer = show(scene, token, DPoP=key.proof(URL, method="GET", access_token=token))

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("private", "proof"),
    [
        pytest.param("dpop_several", lambda key, token: None, id="none"),
        pytest.param(
            "dpop_token_hash",
            lambda key, token: key.proof(URL, method="GET"),
            marks=pytest.mark.spec(
                "RFC 9449", "4.3", "MUST", "a proof with a token holds the token's hash"
            ),
            id="no-ath",
        ),
        pytest.param(
            "dpop_token_hash",
            lambda key, token: key.proof(URL, method="GET", access_token="another"),
            id="foreign-ath",
        ),
        pytest.param(
            "dpop_key_mismatch",
            lambda key, token: DPoPKey().proof(URL, method="GET", access_token=token),
            marks=pytest.mark.spec(
                "RFC 9449", "4.3", "MUST", "a proof with a token is by the token's key"
            ),
            id="foreign-key",
        ),
        pytest.param(
            "dpop_method",
            lambda key, token: key.proof(URL, method="POST", access_token=token),
            id="method",
        ),
    ],
)
def test_a_wrong_proof_is_told_as_resources_tell_it(scene, token, key, reason, private, proof):  # noqa: PLR0917
    made = proof(key, token)

    with nothing_changes():
        answer = show(scene, token, **({"DPoP": made} if made else {}))

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")
    assert answer.headers["www-authenticate"] == f'DPoP {ALGS}, error="invalid_dpop_proof"'
    assert reason() == private


def test_a_proof_works_once_here_as_well(scene, token, key):
    proof = key.proof(URL, method="GET", access_token=token)
    assert show(scene, token, DPoP=proof).status_code == 200

    answer = show(scene, token, DPoP=proof)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")


def test_a_required_nonce_is_told_with_the_challenge(scene, token, key, override_config):
    override_config(dpop={"require_nonce": True})
    proof = key.proof(URL, method="GET", access_token=token, nonce=None)

    answer = show(scene, token, DPoP=proof)

    assert (answer.status_code, answer.json()["error"]) == (401, "use_dpop_nonce")
    assert 'error="use_dpop_nonce"' in answer.headers["www-authenticate"]
    nonce = answer.headers["dpop-nonce"]
    again = key.proof(URL, method="GET", access_token=token, nonce=nonce)
    assert show(scene, token, DPoP=again).status_code == 200
