"""Fifty exchanges at once for a service whose last token has ended: two processes, PostgreSQL."""

from __future__ import annotations

import pytest

from tests.support import factories
from tests.support.exchanging import ACCESS_TOKEN, EXCHANGE
from tests.support.oauth_client import OAuthClient
from tests.support.storm import storm
from tests.support.upstream import make_connection, make_provider, running_upstream

pytestmark = [pytest.mark.server, pytest.mark.postgres]

MANY = 50


@pytest.fixture
def upstream():
    with running_upstream(seconds=0.5) as world:
        yield world


def linked(provider, gateway):
    """A resource of ours that stands in front of the service."""
    from oauth.models import FrontingLink

    front = factories.make_resource(policy={"runtime": {"client_ids": [gateway.row.client_id]}})
    forge = factories.make_resource(
        slug="forge", uri="", backend_kind="broker", broker_provider=provider.pk
    )
    FrontingLink.objects.create(source=front, target=forge, scope_map={"read": ["read"]})
    return front


@pytest.mark.spec("Broker", "3.5", "MUST", "however many ask, the service is asked once")
def test_fifty_vends_and_one_refresh(crowd_server, upstream):
    from broker.models import Connection
    from oauth.models import AccessToken

    provider, user = make_provider(upstream), factories.make_user()
    make_connection(provider, user, expires_in=1)
    gateway = factories.make_confidential_client(grant_types=[EXCHANGE])
    front, agent = linked(provider, gateway), factories.make_client()
    url = crowd_server(AUTHPLANE_BROKER_KEEP_ACCESS_TOKENS="true").url
    of_user = OAuthClient.at(url, client_id=agent.client_id, resource=front.uri, scope="read")
    form = {
        "grant_type": EXCHANGE, "resource": "forge", "subject_token_type": ACCESS_TOKEN,
        "subject_token": of_user.tokens(factories.person(user))["access_token"],
    }  # fmt: skip
    basic = (gateway.row.client_id, gateway.secret)

    answers = storm(url, lambda http: http.post("/oauth/token", data=form, auth=basic), count=MANY)

    assert [200] * MANY == [answer.status_code for answer in answers], answers[0].text
    (token,) = {answer.json()["access_token"] for answer in answers}
    assert token in upstream.given
    assert 1 == upstream.count("refresh_token")
    row = Connection.objects.get()
    assert ("active", None) == (row.status, row.refresh_used_at)
    assert MANY == AccessToken.objects.filter(kind="vend").count()
