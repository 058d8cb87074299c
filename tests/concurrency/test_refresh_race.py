"""One refresh token, many uses at once, by real processes on PostgreSQL."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.factories import make_client, make_resource, make_user, person
from tests.support.oauth_client import OAuthClient
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

STORMS = 5


def client_of(crowd_server, **settings):
    resource = make_resource()
    row = make_client()
    running = crowd_server(**settings)
    return OAuthClient.at(running.url, client_id=row.client_id, resource=resource.uri, scope="read")


def refresh_in_parallel(client, refresh_token):
    form = {
        "grant_type": "refresh_token",
        "client_id": client.client_id,
        "refresh_token": refresh_token,
    }
    headers = {"Accept": "application/json"}
    return storm(
        str(client.http.base_url),
        lambda http: http.post("/oauth/token", data=form, headers=headers),
    )


def test_inside_the_window_all_get_the_same_answer(crowd_server):
    from oauth.models import RefreshToken

    client, somebody = client_of(crowd_server), person(make_user())

    for storms in range(1, STORMS + 1):
        first = client.tokens(somebody)
        answers = refresh_in_parallel(client, first["refresh_token"])

        assert Counter(answer.status_code for answer in answers) == {200: 16}
        assert len({answer.content for answer in answers}) == 1
        assert RefreshToken.objects.count() == 2 * storms, "a first one and one successor each"


def test_the_successor_of_a_race_works(crowd_server):
    client = client_of(crowd_server)
    first = client.tokens(person(make_user()))

    second = refresh_in_parallel(client, first["refresh_token"])[0].json()

    assert client.refresh(second["refresh_token"]).status_code == 200


@pytest.mark.spec("RFC 9700", "4.14.2", "MUST", "a replayed refresh token ends its family")
def test_without_a_window_the_family_ends(crowd_server):
    from oauth.models import TokenFamily

    client, somebody = (
        client_of(crowd_server, AUTHPLANE_REFRESH_REPLAY_WINDOW="0"),
        person(make_user()),
    )

    for _ in range(STORMS):
        first = client.tokens(somebody)
        answers = refresh_in_parallel(client, first["refresh_token"])

        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 15}
        winner = next(answer for answer in answers if answer.status_code == 200).json()
        assert client.refresh(winner["refresh_token"]).status_code == 400
        assert TokenFamily.objects.filter(revoked_at=None).count() == 0
