"""Exchanges beside whatever ends their subject token, by real processes on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from tests.support import factories
from tests.support.exchanging import EXCHANGE
from tests.support.oauth_client import OAuthClient
from tests.support.pages import form_with
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

STORMS = 6
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@dataclass
class World:
    agent: OAuthClient
    gateway: OAuthClient
    watcher: OAuthClient
    back: str
    person: object

    def exchange(self, token):
        """One exchange, as a function of an open connection."""
        form = {
            "grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN,
            "resource": self.back,
        }  # fmt: skip
        _, basic = self.gateway.client_authentication()
        headers = {"Accept": "application/json", "Authorization": basic}
        return lambda http: http.post("/oauth/token", data=form, headers=headers)

    def live(self, answers):
        """Tokens among the answers that still count."""
        tokens = [answer.json()["access_token"] for answer in answers if answer.status_code == 200]
        return [
            token for token in tokens if self.watcher.introspect(token).json() != {"active": False}
        ]


@pytest.fixture
def world(crowd_server):
    gateway = factories.make_confidential_client(grant_types=["client_credentials", EXCHANGE])
    watcher = factories.make_confidential_client()
    front = factories.make_resource(policy={"runtime": {"client_ids": [gateway.row.client_id]}})
    back = factories.make_resource(
        policy={
            "exchange": {"allowed_client_ids": [gateway.row.client_id]},
            "runtime": {"client_ids": [watcher.row.client_id]},
        }
    )
    agent, user = factories.make_client(), factories.make_user()
    _consent(user, agent, back)
    running = crowd_server()

    def driver(made, **members):
        row = made if not isinstance(made, factories.Confidential) else made.row
        secret = made.secret if isinstance(made, factories.Confidential) else None
        return OAuthClient.at(
            running.url, client_id=row.client_id, client_secret=secret,
            auth_method=row.token_endpoint_auth_method, **members,
        )  # fmt: skip

    return World(
        agent=driver(agent, resource=front.uri, scope="read"),
        gateway=driver(gateway),
        watcher=driver(watcher),
        back=back.uri,
        person=factories.person(user),
    )


def _consent(user, client, resource):
    from oauth.models import ConsentGrant

    ConsentGrant.objects.create(user=user, client=client, resource=resource, scopes=["read"])


def in_turn(*senders):
    """Each of the callers takes the next of these senders."""
    waiting = iter(senders)

    def send(http):
        sender = next(waiting)
        return sender(http)

    return send


def test_sixteen_exchanges_at_once_yield_sixteen_tokens(world):
    """A subject token is not used up."""
    from oauth.models import AccessToken

    token = world.agent.tokens(world.person)["access_token"]
    answers = storm(str(world.gateway.http.base_url), world.exchange(token))

    assert Counter(answer.status_code for answer in answers) == {200: 16}
    assert AccessToken.objects.filter(kind="token_exchange").count() == 16
    assert 16 == len(world.live(answers))


def test_a_revocation_beside_exchanges_leaves_no_live_token(world):
    for _ in range(STORMS):
        token = world.agent.tokens(world.person)["access_token"]
        form = {"token": token, "client_id": world.agent.client_id}
        exchange = world.exchange(token)

        answers = storm(
            str(world.gateway.http.base_url),
            in_turn(*[exchange] * 4, lambda http, f=form: http.post("/oauth/revoke", data=f),
                    *[exchange] * 11),
        )  # fmt: skip

        exchanged = [answer for answer in answers if "/oauth/token" in str(answer.url)]
        assert {answer.status_code for answer in exchanged} <= {200, 400}
        assert world.live(exchanged) == []


def test_consent_taken_back_beside_exchanges_leaves_no_live_token(world):
    from oauth.models import Client, ConsentGrant, Resource

    user = _user_of(world)
    for _ in range(STORMS):
        ConsentGrant.objects.all().delete()
        consent_row = ConsentGrant.objects.create(
            user=user,
            client=Client.objects.get(client_id=world.agent.client_id),
            resource=Resource.objects.get(uri=world.back),
            scopes=["read"],
        )
        token = world.agent.tokens(world.person)["access_token"]
        page = world.agent.http.get("/account", headers={"Accept": "text/html"})
        csrf = form_with(page.text, url=str(page.url), field_name="consent").value("csrf_token")
        headers = {
            "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin",
            "Cookie": "; ".join(f"{k}={v}" for k, v in world.agent.http.cookies.items()),
        }  # fmt: skip
        body = urlencode({"csrf_token": csrf, "consent": str(consent_row.pk)})
        exchange = world.exchange(token)

        answers = storm(
            str(world.gateway.http.base_url),
            in_turn(
                *[exchange] * 4,
                lambda http, b=body, h=headers: http.post(
                    "/account/remove-access", content=b, headers=h
                ),
                *[exchange] * 11,
            ),
        )

        exchanged = [answer for answer in answers if "/oauth/token" in str(answer.url)]
        assert {answer.status_code for answer in exchanged} <= {200, 400}
        assert world.live(exchanged) == []
        assert "consent_required" == world.gateway.token(
            grant_type=EXCHANGE, subject_token=token, subject_token_type=ACCESS_TOKEN,
            resource=world.back,
        ).json()["error"]  # fmt: skip


def test_a_link_answered_sixteen_times_counts_once(world):
    from audit.models import AuditEvent
    from oauth.models import ConsentGrant

    ConsentGrant.objects.all().delete()
    token = world.agent.tokens(world.person)["access_token"]
    refused = world.gateway.exchange(token, resource=world.back)
    target = refused.json()["consent_url"].partition("/consent/grant")[2]
    page = world.agent.http.get(f"/consent/grant{target}", headers={"Accept": "text/html"})
    form = form_with(page.text, url=str(page.url), field_name="request")
    AuditEvent.objects.all().delete()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin",
        "Cookie": "; ".join(f"{k}={v}" for k, v in world.agent.http.cookies.items()),
    }  # fmt: skip
    body = urlencode(form.submission(button=("action", "allow")))

    answers = storm(
        str(world.gateway.http.base_url),
        lambda http: http.post("/consent/grant", content=body, headers=headers),
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 15}
    assert AuditEvent.objects.filter(action="consent.granted").count() == 1


def _user_of(world):
    from authplane.accounts.models import User

    return User.objects.get(email=world.person.email)
