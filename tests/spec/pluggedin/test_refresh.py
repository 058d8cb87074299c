"""POST /api/oauth/refresh: what is answered, and what is asked of the service."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

import pytest

from authplane.core import clock
from broker.models import Connection
from tests.spec.pluggedin.test_flow import limited
from tests.spec.pluggedin.test_servers import NOBODY, refused
from tests.support.record import recorded
from tests.support.servers import make_discovered, make_server, make_server_connection
from tests.support.upstream import ALLOWED, LEAK, SECRET

pytestmark = pytest.mark.django_db(transaction=True)
"""A refresh marks its connection in a transaction that others can see."""


@pytest.fixture
def server(user, upstream):
    made = make_server(user, f"{upstream.url}/mcp")
    make_discovered(made, upstream.url)
    return made


@pytest.fixture
def connected(server, user):
    """The user's connection with `rt-0`, and a token that lives for another minute."""
    return make_server_connection(server, user)


@pytest.mark.spec("Plugged.in", "P12", "MUST", "a refresh authenticates with Basic alone")
@pytest.mark.spec("Plugged.in", "P13", "MUST", "the next refresh sends the rotated token")
def test_a_refresh_and_the_next_one(page, server, connected, upstream):
    answer = page.refresh(str(server.pk))
    body = answer.json()
    assert (200, True) == (answer.status_code, body["success"])
    left = datetime.fromisoformat(body["expiresAt"]) - clock.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)

    (asked,) = upstream.asked
    basic = base64.b64encode(f"our-client:{SECRET}".encode()).decode()
    assert f"Basic {basic}" == asked["headers"]["authorization"]
    form = {"grant_type": "refresh_token", "refresh_token": "rt-0", "resource": server.url}
    assert form == asked["form"]

    assert body == page.refresh(str(server.pk)).json()
    assert 1 == upstream.count("refresh_token")
    Connection.objects.update(access_expires_at=clock.now() + timedelta(seconds=299))
    assert 200 == page.refresh(str(server.pk)).status_code
    assert upstream.asked[1]["form"]["refresh_token"] in upstream.given


@pytest.mark.spec("Negative tests", "D8.8", "MUST", "a short-lived token is no false reuse")
def test_a_token_of_a_minute_can_be_refreshed_again_and_again(page, server, connected, upstream):
    upstream.expires_in = 60

    assert [200, 200, 200] == [page.refresh(str(server.pk)).status_code for _ in range(3)]
    assert 3 == upstream.count("refresh_token")


@pytest.mark.spec("Plugged.in", "P11", "MUST", "403 for a foreign server, 404 for an unknown one")
def test_whose_server(page, stranger, server, connected, upstream):
    refused(stranger.refresh(str(server.pk)), 403, "access_denied")
    refused(page.refresh(NOBODY), 404, "not_found")
    for body in ({}, {"serverUuid": "x"}, {"serverUuid": None}, {"serverUuid": NOBODY, "x": 1}):
        refused(page.send("POST", "/api/oauth/refresh", body), 400, "invalid_request")

    assert [{"id": str(server.pk)}] == recorded("broker_server.ownership_violated")
    assert [] == upstream.asked


@pytest.mark.spec("Plugged.in", "P16", "MUST", "400 without a refresh token")
def test_nothing_to_refresh_with(page, server, user, upstream):
    refused(page.refresh(str(server.pk)), 400, "no_refresh_token")
    make_server_connection(server, user, refresh_token=None)

    refused(page.refresh(str(server.pk)), 400, "no_refresh_token")
    assert ([], "active") == (upstream.asked, Connection.objects.get().status)


def test_the_service_refuses(page, server, connected, upstream):
    upstream.failures = [400]
    answer = page.refresh(str(server.pk))

    refused(answer, 500, "upstream_refused")
    assert {"serverUuid": str(server.pk)} == answer.json()["details"]
    assert LEAK not in answer.text
    refused(page.refresh(str(server.pk)), 500, "upstream_refused")
    assert 1 == upstream.count("refresh_token")
    assert "needs_reconnecting" == page.send("GET", "/api/servers").json()["servers"][0]["status"]


@pytest.mark.spec("Plugged.in", "P15", "MUST", "a second use of unknown outcome ends everything")
@pytest.mark.spec("Plugged.in", "P17", "MUST", "a lapsed lease stands in nobody's way")
def test_an_unknown_outcome_and_what_comes_after(page, server, connected, upstream):
    upstream.drops = True
    first = page.refresh(str(server.pk))
    refused(first, 500, "upstream_unavailable")
    assert int(first.headers["retry-after"]) > 0
    assert "refreshing" == Connection.objects.get().status
    upstream.drops = False
    Connection.objects.update(lease_until=clock.now() - timedelta(seconds=1))

    refused(page.refresh(str(server.pk)), 409, "token_reuse_detected")

    assert 1 == upstream.count("refresh_token")
    assert ["rt-0", "at-0-of-the-upstream"] == upstream.revoked
    row = Connection.objects.get()
    assert ("revoked", None, None) == (row.status, row.credential_sealed, row.access_sealed)
    assert "revoked" == page.send("GET", f"/api/connections/{row.pk}").json()["status"]
    assert 1 == len(recorded("broker_grant.reuse_detected"))
    refused(page.refresh(str(server.pk)), 400, "no_refresh_token")


@pytest.mark.spec("Plugged.in", "P17", "MUST", "a lapsed lease stands in nobody's way")
def test_an_attempt_that_may_be_repeated(page, server, connected, upstream, override_config):
    override_config(broker=ALLOWED | {"indeterminate_policy": "retry_once"})
    upstream.failures = [500]
    refused(page.refresh(str(server.pk)), 500, "upstream_unavailable")
    Connection.objects.update(lease_until=clock.now() - timedelta(seconds=1))

    assert 200 == page.refresh(str(server.pk)).status_code
    row = Connection.objects.get()
    assert ("active", None, "") == (row.status, row.refresh_used_at, row.lease_owner)


def test_somebody_else_is_at_it(page, server, connected, upstream, monkeypatch):
    monkeypatch.setattr("broker.refresh.engine.PATIENCE", 0.0)
    Connection.objects.update(
        status="refreshing",
        refresh_used_at=clock.now(),
        lease_owner="another",
        lease_until=clock.now() + timedelta(seconds=30),
    )
    answer = page.refresh(str(server.pk))

    refused(answer, 503, "refresh_in_progress")
    assert int(answer.headers["retry-after"]) > 0
    assert [] == upstream.asked


@pytest.mark.spec("Plugged.in", "P21", "MUST", "sixty refreshes of a user in a minute")
def test_sixty_in_a_minute(page, monkeypatch):
    from broker.servers import limits

    assert (60, 60) == limits.REFRESH[1:]
    monkeypatch.setattr(limits, "REFRESH", limits.REFRESH._replace(limit=2))
    assert [404, 404] == [page.refresh(NOBODY).status_code for _ in range(2)]

    limited(page.refresh(NOBODY), 2)
