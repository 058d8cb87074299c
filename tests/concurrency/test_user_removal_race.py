"""A user is logged out, or removed, while their clients ask for tokens: real processes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from authplane.accounts.models import User
from authplane.core import clock
from oauth.account import administration
from oauth.models import AccessToken, TokenFamily
from oauth.tokens.standing import read_all_standings
from tests.support.factories import make_client, make_resource, make_user, person
from tests.support.oauth_client import OAuthClient
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

STORMS = 2
JSON = {"Accept": "application/json"}


@pytest.fixture
def client(server):
    resource = make_resource()
    row = make_client()
    running = server(processes=2, threads=8, AUTHPLANE_RATE_LIMIT_ENABLED="false")
    return OAuthClient.at(running.url, client_id=row.client_id, resource=resource.uri, scope="read")


def while_tokens_are_asked_for(client: Any, user: User, act: Callable[[], object]) -> list[Any]:
    """The answers to codes and refresh tokens of the user, some of each."""
    codes = [client.authorize(person(user)) for _ in range(3)]
    refreshes = [client.tokens(person(user))["refresh_token"] for _ in range(3)]
    forms = [
        {"grant_type": "authorization_code", "code": code.code, "code_verifier": code.verifier,
         "redirect_uri": code.redirect_uri, "client_id": client.client_id}
        for code in codes
    ] + [
        {"grant_type": "refresh_token", "refresh_token": token, "client_id": client.client_id}
        for token in refreshes
    ]  # fmt: skip
    number = itertools.count()

    def send(http):
        mine = next(number)
        if mine < len(forms):
            return http.post("/oauth/token", data=forms[mine], headers=JSON)
        try:
            act()
        finally:
            connection.close()
        return http.get("/livez")

    return storm(str(client.http.base_url), send, count=len(forms) + 1)


def nothing_counts(user: User) -> bool:
    ids = list(AccessToken.objects.filter(user_id=user.pk).values_list("pk", flat=True))
    assert ids
    return not any(standing.is_live for standing in read_all_standings(ids).values())


def test_no_token_survives_a_forced_logout(client):
    for _ in range(STORMS):
        user = make_user()

        answers = while_tokens_are_asked_for(
            client,
            user,
            lambda: administration.force_logout(user.pk, now=clock.now(), actor="admin"),  # noqa: B023 - used at once
        )

        assert {answer.status_code for answer in answers} <= {200, 400}
        assert nothing_counts(user)
        assert not TokenFamily.objects.filter(user=user, revoked_at=None).exists()


def test_no_token_survives_the_removal_of_its_user(client):
    for _ in range(STORMS):
        user = make_user()

        answers = while_tokens_are_asked_for(
            client,
            user,
            lambda: administration.delete_user(
                user.pk,  # noqa: B023 - used at once
                force=True,
                now=clock.now(),
                actor="admin",
            ),
        )

        assert {answer.status_code for answer in answers} <= {200, 400}
        assert not User.objects.filter(pk=user.pk).exists()
        assert not TokenFamily.objects.filter(user_id=user.pk).exists()
        assert nothing_counts(user)
