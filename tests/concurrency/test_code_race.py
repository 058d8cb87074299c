"""One code, many redemptions at once, by real processes on PostgreSQL."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.factories import make_client, make_resource, make_user, person
from tests.support.oauth_client import OAuthClient
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

STORMS = 5


@pytest.fixture
def client(crowd_server):
    resource = make_resource()
    row = make_client()
    running = crowd_server()
    return OAuthClient.at(running.url, client_id=row.client_id, resource=resource.uri, scope="read")


@pytest.fixture
def watcher(client):
    """A resource server that may look at every token for the resource."""
    from oauth.models import Resource
    from tests.support.factories import driver_for, make_confidential_client

    checker = make_confidential_client()
    Resource.objects.update(policy={"runtime": {"client_ids": [checker.row.client_id]}})
    return driver_for(checker, base=client)


def redeem_in_parallel(client, authorization):
    form = {
        "grant_type": "authorization_code",
        "client_id": client.client_id,
        "code": authorization.code,
        "redirect_uri": authorization.redirect_uri,
        "code_verifier": authorization.verifier,
        "resource": client.resource,
    }
    headers = {"Accept": "application/json"}
    return storm(
        str(client.http.base_url),
        lambda http: http.post("/oauth/token", data=form, headers=headers),
    )


@pytest.mark.spec("RFC 6749", "4.1.2", "MUST", "a code is used at most once")
def test_of_sixteen_parallel_redemptions_one_succeeds(client):
    somebody = person(make_user())

    for _ in range(STORMS):
        answers = redeem_in_parallel(client, client.authorize(somebody))

        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 15}
        refused = [answer.json()["error"] for answer in answers if answer.status_code == 400]
        assert set(refused) == {"invalid_grant"}


@pytest.mark.spec("RFC 6749", "4.1.2", "SHOULD", "tokens of a replayed code are revoked")
def test_the_winner_of_a_race_holds_nothing_that_works(client, watcher):
    answers = redeem_in_parallel(client, client.authorize(person(make_user())))

    winner = next(answer for answer in answers if answer.status_code == 200).json()
    assert watcher.introspect(winner["access_token"]).json() == {"active": False}
    refreshed = client.refresh(winner["refresh_token"])
    assert (400, "invalid_grant") == (refreshed.status_code, refreshed.json()["error"])


def test_a_race_leaves_no_row_behind_that_nobody_was_given(client):
    from oauth.models import AccessToken, RefreshToken, TokenFamily

    redeem_in_parallel(client, client.authorize(person(make_user())))

    assert AccessToken.objects.count() == 1
    assert RefreshToken.objects.count() == 1
    assert TokenFamily.objects.filter(revoked_at=None).count() == 0
