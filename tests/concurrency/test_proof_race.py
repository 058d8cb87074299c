"""One DPoP proof, many uses at once, by real processes on PostgreSQL."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

from tests.support.dpop import DPoPKey
from tests.support.factories import driver_for, make_confidential_client, make_resource
from tests.support.oauth_client import OAuthClient
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

STORMS = 5


@pytest.fixture
def machine(crowd_server):
    resource = make_resource()
    made = make_confidential_client(grant_types=["client_credentials"], scope="read")
    running = crowd_server()
    base = OAuthClient.at(running.url, client_id="", resource=resource.uri, scope="read")
    return driver_for(made, base=base, resource=resource.uri)


def request_of(machine, *proofs):
    form = {
        "grant_type": "client_credentials", "scope": "read", "resource": machine.resource,
    }  # fmt: skip
    _, basic = machine.client_authentication()
    headers = [("Accept", "application/json"), ("Authorization", basic)]
    headers += [("DPoP", proof) for proof in proofs]
    return lambda http: http.post("/oauth/token", data=form, headers=headers)


@pytest.mark.spec("RFC 9449", "11.1", "MUST", "a proof is used at most once")
def test_one_winner(machine):
    from oauth.models import AccessToken

    base, key = str(machine.http.base_url), DPoPKey()

    for storms in range(1, STORMS + 1):
        proof = key.proof(f"{machine.issuer}/oauth/token")
        answers = storm(base, request_of(machine, proof))

        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 15}
        refusals = {answer.json()["error"] for answer in answers if answer.status_code != 200}
        assert refusals == {"invalid_dpop_proof"}
        assert AccessToken.objects.count() == storms


@pytest.mark.spec("RFC 9449", "4.3", "MUST", "a request carries one proof")
def test_two_headers_on_the_wire_are_two_proofs(machine):
    key, url = DPoPKey(), f"{machine.issuer}/oauth/token"
    send = request_of(machine, key.proof(url), key.proof(url))

    with httpx.Client(base_url=str(machine.http.base_url), trust_env=False) as http:
        answer = send(http)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
