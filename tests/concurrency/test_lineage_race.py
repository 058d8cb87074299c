"""Exchanges beside the end of what they start from, by real processes on PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support import factories
from tests.support.exchanging import EXCHANGE
from tests.support.oauth_client import OAuthClient, User
from tests.support.pages import form_with
from tests.support.scene import row_of
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

STORMS = 4
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Parties:
    """A running server, a user, the agent that acts for it, and a gateway behind that."""

    url: str
    person: User
    user: Any
    agent: OAuthClient
    gateway: OAuthClient
    watcher: OAuthClient
    front: Any
    back: Any

    def consent(self) -> Any:
        from oauth.models import ConsentGrant

        consent, _ = ConsentGrant.objects.update_or_create(
            user=self.user,
            client=row_of(self.agent),
            resource=self.back,
            defaults={"scopes": ["read"], "revoked_at": None},
        )
        return consent

    def exchanging(self, subject_token: str, *, resource: str) -> Any:
        """A sender of the gateway's exchange."""
        form = {
            "grant_type": EXCHANGE,
            "subject_token": subject_token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "resource": resource,
            "scope": "read",
        }
        _, basic = self.gateway.client_authentication()
        headers = FORM | {"Authorization": basic, "Accept": "application/json"}
        return lambda http: http.post("/oauth/token", content=urlencode(form), headers=headers)

    def live(self, answers: list[Any]) -> list[str]:
        """Tokens that were handed out and still count."""
        issued = [
            answer.json()["access_token"]
            for answer in answers
            if answer.status_code == 200 and "/oauth/token" in str(answer.url)
        ]
        return [token for token in issued if self.watcher.introspect(token).json()["active"]]


@pytest.fixture
def parties(crowd_server):
    watcher = factories.make_confidential_client()
    gateway = factories.make_confidential_client(grant_types=[EXCHANGE], scope="read write")
    agent = factories.make_client()
    at = {"runtime": {"client_ids": [watcher.row.client_id, gateway.row.client_id]}}
    front = factories.make_resource(slug="front", policy=at)
    back = factories.make_resource(slug="back", policy=at)
    user = factories.make_user()
    url = crowd_server(AUTHPLANE_TOKEN_EXCHANGE_ALLOW_SELF_EXCHANGE="true").url
    base = OAuthClient.at(url)

    def driver(made):
        return factories.driver_for(made, base=base, resource=front.uri)

    return Parties(
        url=url,
        person=factories.person(user),
        user=user,
        agent=driver(agent),
        gateway=driver(gateway),
        watcher=driver(watcher),
        front=front,
        back=back,
    )


def in_turn(*senders, count=16):
    waiting = iter(senders * (count // len(senders)))

    def send(http):
        return next(waiting)(http)

    return send


def ending_by_holder(token):
    return lambda http: http.post("/oauth/revoke", data={"token": token})


def test_a_subject_token_that_ends_leaves_nothing_alive_below_it(parties):
    outcomes = set()
    for _ in range(STORMS):
        parties.consent()
        subject = parties.agent.tokens(parties.person)["access_token"]
        exchange = parties.exchanging(subject, resource=parties.back.uri)

        answers = storm(
            parties.url, in_turn(exchange, exchange, exchange, ending_by_holder(subject))
        )

        outcomes |= {answer.status_code for answer in answers}
        assert parties.live(answers) == []
    assert outcomes <= {200, 400}


def test_the_first_token_ends_what_is_exchanged_from_the_last(parties):
    """The end of the line is far from what ends: nobody who exchanges there reads the first row."""
    for _ in range(STORMS):
        parties.consent()
        tokens = parties.agent.tokens(parties.person)
        second = parties.gateway.exchange(
            tokens["access_token"], resource=parties.back.uri, scope="read"
        )
        assert second.status_code == 200, second.text
        exchange = parties.exchanging(second.json()["access_token"], resource=parties.back.uri)
        ending = ending_by_holder(tokens["refresh_token"])

        answers = storm(parties.url, in_turn(exchange, exchange, exchange, ending))

        assert {answer.status_code for answer in answers} <= {200, 400, 403}
        assert parties.live(answers) == []
        assert not parties.watcher.introspect(second.json()["access_token"]).json()["active"]


def test_consent_taken_back_leaves_nothing_alive_that_rests_on_it(parties):
    for _ in range(STORMS * 2):
        consent = parties.consent()
        subject = parties.agent.tokens(parties.person)["access_token"]
        page = parties.agent.http.get("/account")
        form = form_with(page.text, url=str(page.url), field_name="consent")
        pairs = form.submission(consent=str(consent.pk))
        cookies = "; ".join(f"{name}={value}" for name, value in parties.agent.http.cookies.items())
        headers = FORM | {"Sec-Fetch-Site": "same-origin", "Cookie": cookies}

        body = urlencode(pairs)

        def take_back(http, body=body, headers=headers):
            return http.post("/account/remove-access", content=body, headers=headers)

        exchange = parties.exchanging(subject, resource=parties.back.uri)
        answers = storm(parties.url, in_turn(exchange, take_back, exchange, exchange))

        consent.refresh_from_db()
        assert consent.revoked_at is not None
        assert parties.live(answers) == []
