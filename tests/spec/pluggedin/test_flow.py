"""POST /api/oauth/initiate and GET /api/oauth/callback: the hop, and each way it ends."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from broker.models import Connection, ConnectState, UpstreamConfig, UpstreamServer
from tests.spec.pluggedin.test_servers import NOBODY, refused
from tests.support.record import recorded
from tests.support.servers import make_discovered, make_server
from tests.support.upstream import LEAK, rises

CALLBACK = "http://localhost:9000/api/oauth/callback"


@pytest.fixture
def server(user, upstream):
    made = make_server(user, f"{upstream.url}/mcp")
    make_discovered(made, upstream.url)
    return made


@pytest.fixture
def sent(page, server):
    """The parameters with which the browser leaves."""
    return leave(page, server)


def leave(page, server):
    answer = page.initiate(str(server.pk))
    assert answer.status_code == 200, answer.text
    return dict(parse_qsl(urlsplit(answer.json()["authorizationUrl"]).query))


def come_back(page, sent, **answer):
    """What the page of servers is told."""
    given = {"state": sent["state"]} | (answer or {"code": "a-code"})
    response = page.get(f"/api/oauth/callback?{urlencode(given)}")
    assert response.status_code == 303, response.text
    arrived = urlsplit(response.headers["location"])
    assert ("http", "localhost:9000", "/mcp-servers") == arrived[:3]
    return dict(parse_qsl(arrived.query))


@pytest.mark.spec("Plugged.in", "P1", "MUST", "initiate gives a URL with S256, state and resource")
@pytest.mark.spec("Plugged.in", "P3", "MUST", "state and verifier hold 256 bits, new each time")
def test_what_initiate_gives(page, server, upstream):
    one, two = (page.initiate(str(server.pk)) for _ in range(2))
    body = one.json()
    asked = dict(parse_qsl(urlsplit(body["authorizationUrl"]).query))

    assert body["authorizationUrl"].startswith(f"{upstream.url}/authorize?")
    assert asked.pop("state") == body["state"] != two.json()["state"]
    assert 43 == len(body["state"]) == len(asked.pop("code_challenge"))
    assert asked == {
        "response_type": "code", "client_id": "our-client", "code_challenge_method": "S256",
        "redirect_uri": CALLBACK, "resource": server.url, "scope": "read",
    }  # fmt: skip
    left = datetime.fromisoformat(body["expiresAt"]) - clock.now()
    assert timedelta(seconds=290) < left <= timedelta(seconds=300)
    assert "no-store" in one.headers["cache-control"]
    assert "HttpOnly" in one.headers["set-cookie"]


@pytest.mark.spec("Plugged.in", "P2", "MUST", "initiate refuses with 400, 401, 404 and 500")
def test_what_initiate_refuses(page, server, stranger, anybody):
    for body in ({}, {"serverUuid": "x"}, {"serverUuid": 7}, {"serverUuid": NOBODY, "x": 1}):
        refused(page.send("POST", "/api/oauth/initiate", body), 400, "invalid_request")
    elsewhere = page.initiate(str(server.pk), redirectUri="https://evil.example.com/")
    refused(elsewhere, 400, "invalid_request", "redirectUri")
    refused(anybody.initiate(str(server.pk)), 401, "unauthorized")
    refused(page.initiate(NOBODY), 404, "not_found")
    refused(stranger.initiate(str(server.pk)), 404, "not_found")
    assert [{"id": str(server.pk)}] == recorded("broker_server.ownership_violated")
    UpstreamConfig.objects.all().delete()
    UpstreamServer.objects.update(url="http://127.0.0.1:1/mcp")
    refused(page.initiate(str(server.pk)), 500, "unreachable")

    assert not ConnectState.objects.exists()


def test_the_callback_may_be_named(page, server):
    for name in (CALLBACK, "/api/oauth/callback"):
        assert 200 == page.initiate(str(server.pk), redirectUri=name).status_code


@pytest.mark.spec("Plugged.in", "P4", "MUST", "a state is used once, also in a second answer")
def test_there_and_back_once(page, server, sent, upstream):
    told = {"server_uuid": str(server.pk)}
    assert told | {"oauth_success": "true"} == come_back(page, sent)

    (asked,) = upstream.asked
    assert ("authorization_code", "a-code", CALLBACK, server.url) == tuple(
        asked["form"][name] for name in ("grant_type", "code", "redirect_uri", "resource")
    )
    assert asked["headers"]["authorization"].startswith("Basic ")
    assert {"client_secret", "scope"}.isdisjoint(asked["form"])
    assert "connected" == page.send("GET", "/api/servers").json()["servers"][0]["status"]
    assert told | {"oauth_error": "state_invalid"} == come_back(page, sent)
    assert 1 == upstream.count("authorization_code")
    assert "state_reuse" in [one["violation"] for one in recorded("broker_connect.state_refused")]


@pytest.mark.spec("Plugged.in", "P5", "MUST", "a state lapses after five minutes")
def test_too_late(page, server, sent, upstream):
    ConnectState.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    told = {"oauth_error": "state_expired", "server_uuid": str(server.pk)}
    assert told == come_back(page, sent)
    assert [] == upstream.asked


@pytest.mark.spec("Negative tests", "D8.3", "MUST", "nobody else can use or burn a state")
@pytest.mark.spec("Plugged.in", "P6", "MUST", "a state of another user is refused and survives")
def test_somebody_else_can_neither_use_nor_burn_it(page, stranger, server, sent, upstream):
    with rises("oauth_code_injection_attempts_total"):
        told = come_back(stranger, sent, error="access_denied")

    assert {"oauth_error": "user_mismatch"} == told
    assert [] == upstream.asked
    assert {"oauth_success": "true", "server_uuid": str(server.pk)} == come_back(page, sent)
    assert "user_mismatch" in [one["violation"] for one in recorded("broker_connect.state_refused")]


ALTERED = [
    ("redirect_uri", "https://evil.example.com/cb"), ("issuer", "https://evil.example.com"),
    ("client_id", "other"), ("return_url", "https://evil.example.com"), ("scopes", ["admin"]),
    ("context", {}), ("integrity", "0" * 64), ("resource", uuid.UUID(int=9)),
    ("expires_at", datetime.fromisoformat("2999-01-01T00:00:00Z")), ("integrity_key", "x"),
    ("created_at", datetime.fromisoformat("2020-01-01T00:00:00Z")),
    ("verifier_sealed", b"nothing"),
]  # fmt: skip


@pytest.mark.spec("Plugged.in", "P7", "MUST", "an altered state is refused, whatever was altered")
@pytest.mark.spec("Negative tests", "D8.4", "MUST", "a single altered column of a state is noticed")
def test_any_altered_column(page, server, upstream, override_config):
    override_config(rate_limit={"enabled": False})
    for column, value in ALTERED:
        sent = leave(page, server)
        ConnectState.objects.filter(consumed_at=None).update(**{column: value})

        with rises("oauth_integrity_violations_total", violation_type="hash_mismatch"):
            told = come_back(page, sent)
        assert ("integrity_violation", column) == (told["oauth_error"], column)
        assert "state_invalid" == come_back(page, sent)["oauth_error"]
    assert [] == upstream.asked


def test_a_callback_that_has_moved(page, sent, upstream, override_config):
    override_config(connect={"redirect_base_url": "http://localhost:9000/elsewhere"})

    response = page.get(f"/api/oauth/callback?{urlencode({'state': sent['state'], 'code': 'c'})}")
    assert "oauth_error=integrity_violation" in response.headers["location"]
    assert [] == upstream.asked


@pytest.mark.spec("Plugged.in", "P8", "MUST", "a denial spends the state")
@pytest.mark.spec("Negative tests", "D8.2", "MUST", "an error of the service spends the state")
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "server_error", "error_description": LEAK}, "code_exchange_failed"),
        ({"error": ""}, "code_exchange_failed"),
        ({"nothing": ""}, "missing_code"),
        ({"code": "c", "iss": "https://evil.example.com"}, "integrity_violation"),
    ],
)
def test_answers_that_connect_nothing(page, sent, upstream, answer, code):
    assert code == come_back(page, sent, **answer)["oauth_error"]

    assert "state_invalid" == come_back(page, sent)["oauth_error"]
    assert [] == upstream.asked
    assert not Connection.objects.exists()


@pytest.mark.spec("Plugged.in", "P9", "MUST", "a failed exchange tells nothing of the service's")
def test_the_service_gives_no_token(page, server, sent, upstream, caplog):
    upstream.failures = [400]
    with caplog.at_level(logging.DEBUG):
        told = come_back(page, sent)

    assert {"oauth_error": "code_exchange_failed", "server_uuid": str(server.pk)} == told
    record = str([*AuditEvent.objects.values_list("detail", flat=True)])
    state = ConnectState.objects.get()
    for secret in (LEAK, sent["state"], upstream.asked[0]["form"]["code_verifier"], "a-code"):
        assert secret not in caplog.text + record
    assert (0, "code_exchange_failed") == (Connection.objects.count(), state.outcome)


def test_no_state_of_ours(page):
    for query in ("", "?code=c", "?state=", "?state=none&code=c", "?state=a&state=b"):
        location = page.get(f"/api/oauth/callback{query}").headers["location"]
        assert "http://localhost:9000/mcp-servers?oauth_error=state_invalid" == location


def test_signed_out_meanwhile(page, anybody, sent, upstream):
    assert {"oauth_error": "not_authenticated"} == come_back(anybody, sent)
    assert "true" == come_back(page, sent)["oauth_success"]


def test_another_browser_of_the_same_user(page, anybody, sent, upstream):
    anybody.sign_in()

    assert "user_mismatch" == come_back(anybody, sent)["oauth_error"]
    assert [] == upstream.asked
    assert "true" == come_back(page, sent)["oauth_success"]


def test_disconnecting_ends_what_is_on_its_way(page, server, sent, upstream):
    first = leave(page, server)
    come_back(page, first)
    (one,) = page.send("GET", "/api/connections").json()["connections"]
    page.send("DELETE", f"/api/connections/{one['id']}")

    assert "state_expired" == come_back(page, sent)["oauth_error"]
    assert 1 == upstream.count("authorization_code")


def test_a_server_that_was_removed_meanwhile(page, server, sent, upstream):
    page.send("DELETE", f"/api/servers/{server.pk}")

    assert {"oauth_error": "state_invalid"} == come_back(page, sent)
    assert [] == upstream.asked


def limited(answer, limit):
    body = answer.json()
    assert (429, "rate_limit_exceeded") == (answer.status_code, body["error"])
    assert body["message"]
    wait = int(answer.headers["retry-after"])
    assert wait == body["retryAfter"] > 0
    assert (str(limit), "0") == tuple(
        answer.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining")
    )
    assert abs(int(answer.headers["x-ratelimit-reset"]) - clock.epoch() - wait) <= 2


@pytest.mark.spec("Plugged.in", "P21", "MUST", "the eleventh hop in a quarter of an hour is 429")
def test_ten_hops_of_a_user(page, server, stranger):
    assert {200} == {page.initiate(str(server.pk)).status_code for _ in range(10)}
    limited(page.initiate(str(server.pk)), 10)

    assert 10 == ConnectState.objects.count()
    refused(stranger.initiate(NOBODY), 404, "not_found")


@pytest.mark.spec("Plugged.in", "P21", "MUST", "a limited callback redirects browsers")
def test_ten_answers_of_a_user(page, sent, upstream):
    for _ in range(10):
        page.get("/api/oauth/callback")
    assert {"oauth_error": "rate_limit_exceeded"} == come_back(page, sent)
    limited(page.get(f"/api/oauth/callback?state={sent['state']}", Accept="application/json"), 10)

    assert [] == upstream.asked
    assert "" == ConnectState.objects.get().outcome


@pytest.mark.spec("Negative tests", "D8.14", "MUST", "limits hold against forged X-Forwarded-For")
def test_nobody_s_requests_are_counted_by_address(anybody):
    for number in range(10):
        forged = {"X-Forwarded-For": f"192.0.2.{number}"}
        anybody.client.http.post(
            "/api/oauth/initiate", json={}, headers={"Sec-Fetch-Site": "same-origin"} | forged
        )
    limited(anybody.initiate(NOBODY), 10)


def test_other_sites_use_up_nobody_s_requests(page, server):
    for _ in range(11):
        page.send("POST", "/api/oauth/initiate", {}, **{"Content-Type": "text/plain"})

    assert 200 == page.initiate(str(server.pk)).status_code
