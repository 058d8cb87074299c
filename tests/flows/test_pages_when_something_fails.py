"""Refusals and failures that people see: a page, what happened, what to do, and an id."""

import pytest
from django.db import OperationalError

from tests.support import factories


@pytest.fixture
def client(oauth):
    resource = factories.make_resource()
    return factories.driver_for(factories.make_client(), base=oauth, resource=resource.uri)


def assert_page(response, status):
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-request-id"] in response.text
    assert "Traceback" not in response.text


def fail_with(monkeypatch, exception):
    def broken(*_, **__):
        raise exception

    monkeypatch.setattr("oauth.views.authorize.find_client", broken)


def test_a_fault_is_a_page_that_reveals_nothing(client, monkeypatch):
    fail_with(monkeypatch, RuntimeError("the password of the database is hunter2"))

    response = client.start()

    assert_page(response, 500)
    assert "hunter2" not in response.text
    assert "location" not in response.headers


def test_a_database_that_is_away_is_a_page_that_says_when_to_come_back(client, monkeypatch):
    fail_with(monkeypatch, OperationalError("connection refused"))

    response = client.start()

    assert_page(response, 503)
    assert response.headers["retry-after"] == "1"


def test_a_fault_while_signing_in_is_no_failed_sign_in(oauth, db, monkeypatch):
    from authplane.core.models import LoginFailure

    user = factories.make_user()

    def broken(*_, **__):
        raise OperationalError("connection refused")

    monkeypatch.setattr("oauth.sessions.sign_in.auth.authenticate", broken)

    assert_page(oauth.sign_in(factories.person(user)), 503)
    assert LoginFailure.objects.count() == 0


def test_a_fault_after_the_decision_undoes_the_decision(client, monkeypatch):
    """Claim, consent, code and record come together or not at all."""
    from audit.models import AuditEvent
    from oauth.models import AuthorizationRequest, ConsentGrant

    client.sign_in(factories.person(factories.make_user()))
    page = client.http.get(client.start().headers["location"])

    def broken(*_, **__):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("oauth.consent.services.issue_code", broken)
        assert_page(client.submit_consent(page), 500)

    assert AuthorizationRequest.objects.get().decided_at is None
    assert ConsentGrant.objects.count() == 0
    assert not AuditEvent.objects.filter(action="consent.granted").exists()
    assert client.submit_consent(page).status_code == 303


def test_too_many_requests_are_a_page(oauth, db, override_config):
    override_config(rate_limit={"rps": 1, "burst": 1})
    oauth.http.get("/login", headers={"Accept": "text/html"})

    response = oauth.http.get("/login", headers={"Accept": "text/html"})

    assert_page(response, 429)
    assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/account/nothing", 404),
        ("GET", "/logout", 405),
        ("PUT", "/login", 405),
        ("DELETE", "/consent", 405),
        ("POST", "/account", 405),
        ("GET", "/account/remove-access", 405),
    ],
)
def test_wrong_turns_are_pages(oauth, db, method, path, status):
    response = oauth.http.request(method, path, headers={"Accept": "text/html"})

    assert_page(response, status)
    assert ("allow" in response.headers) is (status == 405)


def test_a_foreign_host_is_a_page_that_does_not_repeat_it(oauth, db):
    response = oauth.http.get("/login", headers={"Host": "evil.example", "Accept": "text/html"})

    assert_page(response, 400)
    assert "evil.example" not in response.text


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Forwarded-Server", "Forwarded", "X-Original-URL"]
)
def test_headers_of_an_untrusted_proxy_change_nothing(client, header):
    plain = client.http.get("/login")
    value = "host=evil.example" if header == "Forwarded" else "evil.example"

    lied = client.http.get("/login", headers={header: value})

    assert "evil.example" not in lied.text
    assert lied.headers["content-security-policy"] == plain.headers["content-security-policy"]


def test_an_invented_forwarded_address_is_no_way_around_the_lock(oauth, db):
    user = factories.make_user()
    wrong = factories.person(user, password="wrong")
    for number in range(10):
        page = oauth.http.get("/login")
        oauth.http.headers["X-Forwarded-For"] = f"192.0.2.{number}"
        oauth.submit_sign_in(page, wrong)

    assert oauth.sign_in(factories.person(user)).status_code == 429


@pytest.mark.redis
def test_the_lock_outlives_redis(oauth, db, override_config):
    user = factories.make_user()
    for _ in range(10):
        oauth.sign_in(factories.person(user, password="wrong"))

    override_config(storage={"redis_url": "redis://127.0.0.1:1/0"})

    assert oauth.sign_in(factories.person(user)).status_code == 429
