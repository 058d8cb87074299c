"""A user is logged out, or removed, while their clients ask for tokens: real processes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
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
def client(crowd_server):
    resource = make_resource()
    row = make_client()
    running = crowd_server()
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


def log_out(user: User) -> None:
    administration.force_logout(user.pk, now=clock.now(), actor="admin")


def remove(user: User) -> None:
    administration.delete_user(user.pk, force=True, now=clock.now(), actor="admin")


def test_no_token_survives_whatever_is_asked_for_meanwhile(client):
    for act in (log_out, remove) * STORMS:
        user = make_user()

        answers = while_tokens_are_asked_for(client, user, partial(act, user))

        assert {answer.status_code for answer in answers} <= {200, 400}
        assert nothing_counts(user)
        assert not TokenFamily.objects.filter(user_id=user.pk, revoked_at=None).exists()
        assert User.objects.filter(pk=user.pk).exists() == (act is log_out)
