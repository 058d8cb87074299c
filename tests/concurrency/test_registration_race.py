"""Registrations, updates, removals and assertions at the same moment, by real processes."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.factories import make_client, make_resource
from tests.support.oauth_client import JWT_BEARER, OAuthClient
from tests.support.published import key_set, signing_key
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

STORMS = 3
JSON = {"Accept": "application/json"}


@pytest.fixture
def running(crowd_server):
    make_resource()
    return crowd_server()


def register(running, **members):
    body = {"client_name": "Race", "redirect_uris": ["https://app.example/cb"]} | members
    return OAuthClient.at(running.url).http.post("/oauth/register", json=body).json()


def managed(information):
    token = information["registration_access_token"]
    return f"/oauth/register/{information['client_id']}", {"Authorization": f"Bearer {token}"}


def test_parallel_registrations_are_as_many_clients(running):
    from audit.models import AuditEvent
    from oauth.models import Client

    body = {"client_name": "Race", "redirect_uris": ["https://app.example/cb"]}

    answers = storm(running.url, lambda http: http.post("/oauth/register", json=body))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["client_id"] for answer in answers}) == 16
    assert Client.objects.count() == 16
    assert AuditEvent.objects.filter(action="client.registered").count() == 16


@pytest.mark.spec("RFC 7592", "2", "MUST", "management needs the registration access token")
def test_of_parallel_updates_with_one_token_one_succeeds(running):
    from audit.models import AuditEvent
    from oauth.models import Client

    for n in range(STORMS):
        information = register(running)
        path, headers = managed(information)
        document = {
            "client_id": information["client_id"],
            "client_name": f"After {n}",
            "redirect_uris": ["https://app.example/after"],
            "token_endpoint_auth_method": "client_secret_basic",
        }

        answers = storm(
            running.url,
            lambda http, path=path, document=document, headers=headers: http.put(
                path, json=document, headers=headers
            ),
        )

        assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 15}
        row = Client.objects.get(client_id=information["client_id"])
        assert (row.name, row.version) == (f"After {n}", 2)
        changes = AuditEvent.objects.filter(action="client.updated", client_id=row.client_id)
        assert changes.count() == 1
        winner = next(answer for answer in answers if answer.status_code == 200).json()
        path, headers = managed(winner)
        assert OAuthClient.at(running.url).http.get(path, headers=headers).status_code == 200


def test_of_parallel_removals_one_succeeds_and_nothing_returns(running):
    from audit.models import AuditEvent
    from oauth.models import Client

    for _ in range(STORMS):
        information = register(running)
        path, headers = managed(information)
        document = {
            "client_id": information["client_id"],
            "client_name": "Undead",
            "redirect_uris": ["https://app.example/cb"],
        }
        turns = iter(range(16))

        def either(http, path=path, headers=headers, document=document, turns=turns):
            if next(turns) % 2:
                return http.put(path, json=document, headers=headers)
            return http.delete(path, headers=headers)

        answers = storm(running.url, either)

        counted = Counter(answer.status_code for answer in answers)
        assert set(counted) <= {200, 204, 401}
        assert counted[204] <= 1
        assert counted[200] <= 1
        left = Client.objects.filter(client_id=information["client_id"])
        removed = AuditEvent.objects.filter(
            action="client.deleted", client_id=information["client_id"]
        )
        assert left.count() == 1 - counted[204]
        assert removed.count() == counted[204]


@pytest.mark.spec("RFC 7523", "3", "MAY", "a client assertion is used at most once")
def test_one_assertion_is_spent_once_by_all_processes(running):
    from oauth.models import AccessToken, Resource

    key = signing_key()
    row = make_client(
        token_endpoint_auth_method="private_key_jwt",
        grant_types=["client_credentials"],
        scope="read",
        client_jwks=key_set(key),
    )
    driver = OAuthClient.at(running.url, client_id=row.client_id, private_jwk=key)
    resource = Resource.objects.exclude(slug="account").get()

    for storms in range(1, STORMS + 1):
        form = {
            "grant_type": "client_credentials",
            "scope": "read",
            "resource": resource.uri,
            "client_assertion_type": JWT_BEARER,
            "client_assertion": driver.client_assertion(),
        }
        answers = storm(
            running.url,
            lambda http, form=form: http.post("/oauth/token", data=form, headers=JSON),
        )

        assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 15}
        assert AccessToken.objects.count() == storms
