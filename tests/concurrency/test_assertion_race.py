"""One identity assertion, many uses at once, by real processes on PostgreSQL."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.background import answering
from tests.support.factories import driver_for, make_confidential_client, make_resource
from tests.support.idp import JWT_BEARER, IdentityProvider
from tests.support.oauth_client import OAuthClient
from tests.support.published import Internet, key_set, server_of
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

STORMS = 3


@pytest.fixture
def provider():
    """An identity provider that other processes can reach: on a port of this host."""
    world = Internet()
    listening = server_of(world)
    idp = IdentityProvider(world, issuer=f"http://127.0.0.1:{listening.server_address[1]}")
    world.publish(idp.path, key_set(idp.key))
    with answering(listening):
        yield idp


@pytest.fixture
def client(crowd_server, provider):
    resource = make_resource()
    made = make_confidential_client(scope="read write", grant_types=[JWT_BEARER])
    provider.trusted()
    running = crowd_server()
    base = OAuthClient.at(running.url)
    return driver_for(made, base=base, resource=resource.uri)


def redeem_in_parallel(client, assertions):
    """The answers to the same request with each of the assertions in turn."""
    waiting = list(assertions)
    _, basic = client.client_authentication()

    def send(http):
        form = {"grant_type": JWT_BEARER, "assertion": waiting.pop()}
        headers = {"Accept": "application/json", "Authorization": basic}
        return http.post("/oauth/token", data=form, headers=headers)

    return storm(str(client.http.base_url), send)


def good(client, provider):
    return provider.assertion(client.client_id, resource=client.resource, aud=client.issuer)


def warm(client, provider):
    """Every worker knows the provider's keys, most likely."""
    for _ in range(4):
        answer = client.token(
            grant_type=JWT_BEARER,
            assertion=good(client, provider),
        )
    assert answer.status_code == 200, answer.text


@pytest.mark.spec("RFC 7523", "3", "MAY", "an assertion grant is used at most once")
def test_of_sixteen_parallel_uses_one_succeeds(client, provider):
    from oauth.models import AccessToken

    warm(client, provider)

    for _ in range(STORMS):
        before = AccessToken.objects.count()
        assertion = good(client, provider)
        answers = redeem_in_parallel(client, [assertion] * 16)

        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 15}
        refused = {answer.json()["error"] for answer in answers if answer.status_code == 400}
        assert refused == {"invalid_grant"}
        assert AccessToken.objects.count() == before + 1


def test_sixteen_assertions_at_once_all_succeed(client, provider):
    warm(client, provider)
    assertions = [good(client, provider) for _ in range(16)]

    answers = redeem_in_parallel(client, assertions)

    assert {answer.status_code for answer in answers} == {200}


def test_a_rotation_at_the_provider_costs_few_fetches_and_no_refusal(client, provider):
    warm(client, provider)
    before = provider.fetches()
    provider.rotate("second")
    assertions = [good(client, provider) for _ in range(16)]

    answers = redeem_in_parallel(client, assertions)

    # Two processes: a search each, and what one that has just started fetches anyway.
    assert 1 <= provider.fetches() - before <= 4
    assert {answer.status_code for answer in answers} == {200}
    assert client.token(
        grant_type=JWT_BEARER,
        assertion=good(client, provider),
    ).is_success
