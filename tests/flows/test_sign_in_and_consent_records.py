"""What sign-in and consent leave behind: the record, the metrics, and nothing in the log."""

import logging

import pytest

from tests.support import factories
from tests.support.oauth_client import User
from tests.support.pages import form_with


@pytest.fixture
def user(db):
    return factories.make_user(email="ada@example.com")


@pytest.fixture
def client(oauth):
    resource = factories.make_resource(uri="https://notes.example.com/mcp")
    return factories.driver_for(factories.make_client(), base=oauth, resource=resource.uri)


def events(action):
    from audit.models import AuditEvent

    return list(AuditEvent.objects.filter(action=action).order_by("id"))


def value_of(name, **labels):
    from prometheus_client import REGISTRY

    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_sign_in_is_recorded_and_counted(oauth, user):
    before = value_of("authserver_login_attempts_total", outcome="success")

    oauth.sign_in(factories.person(user))

    [event] = events("user.login")
    assert (event.actor_id, event.detail) == (str(user.pk), {})
    assert "127.0.0.1" in event.personal
    assert value_of("authserver_login_attempts_total", outcome="success") == before + 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "disabled"}, "user_disabled"),
        ({"provider": "okta", "provider_sub": "1"}, "user_not_local"),
        ({}, "invalid_credentials"),
    ],
)
def test_a_failure_is_recorded_with_its_reason(oauth, db, fields, reason):
    user = factories.make_user(email="ada@example.com", **fields)
    before = value_of("authserver_login_attempts_total", outcome="failure")

    oauth.sign_in(User("ada@example.com", "wrong"))

    [event] = events("user.login_failed")
    assert (event.actor_id, event.detail) == (str(user.pk), {"reason": reason})
    assert value_of("authserver_login_attempts_total", outcome="failure") == before + 1


def test_an_unknown_address_is_not_written_down(oauth, db):
    oauth.sign_in(User("somebody@example.com", "wrong"))

    [event] = events("user.login_failed")
    assert (event.actor_id, event.detail) == ("", {"reason": "user_not_found"})
    assert "somebody" not in event.personal


def test_an_account_without_a_usable_hash_is_named_so(oauth, user):
    user.set_unusable_password()
    user.save()

    oauth.sign_in(factories.person(user))

    assert events("user.login_failed")[0].detail == {"reason": "unusable_stored_hash"}


def test_a_lock_is_recorded_once_with_its_end(oauth, user, frozen_clock):
    from authplane.core import clock

    for _ in range(15):
        oauth.sign_in(User("ada@example.com", "wrong"))

    [event] = events("auth.locked_out")
    assert event.actor_id == ""
    until = event.detail["until"]
    assert until.startswith(clock.now().strftime("%Y-%m-%dT"))
    assert len(events("user.login_failed")) == 10
    assert value_of("authserver_login_attempts_total", outcome="locked") >= 5


def test_consent_is_recorded_and_counted(client, user):
    before = {
        decision: value_of("authserver_consent_decisions_total", decision=decision)
        for decision in ("granted", "denied")
    }
    flows = value_of("authserver_auth_flow_duration_seconds_count")

    client.authorize(factories.person(user), scope="read")
    client.authorize(factories.person(user), scope="read", allow=False)

    [granted], [denied] = events("consent.granted"), events("consent.denied")
    assert (granted.actor_id, granted.client_id) == (str(user.pk), client.client_id)
    assert granted.detail == {"resource": "https://notes.example.com/mcp", "scopes": "read"}
    assert (denied.actor_id, denied.client_id) == (str(user.pk), client.client_id)
    assert set(denied.detail) == {"session"}
    for decision, count in before.items():
        assert value_of("authserver_consent_decisions_total", decision=decision) == count + 1
    assert value_of("authserver_auth_flow_duration_seconds_count") == flows + 2


def test_access_taken_back_is_recorded(client, user):
    client.tokens(factories.person(user), scope="read")
    page = client.http.get("/account")
    form = form_with(page.text, url=str(page.url), field_name="consent")
    client.post_form(form.action, form.submission(), page=page)

    [event] = events("consent.revoked")
    assert (event.actor_id, event.client_id) == (str(user.pk), client.client_id)
    assert event.detail == {
        "resource": "https://notes.example.com/mcp",
        "revoked_issuances": 1,
        "revoked_families": 1,
    }


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"client_id": "unknown"}, "client_unknown"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_invalid"),
        ({"code_challenge": None}, "challenge_missing"),
    ],
)
def test_refusals_are_counted_not_stored(client, wrong, reason):
    from audit.models import AuditEvent

    before = value_of("authserver_auth_denied_total", reason=reason)
    rows = AuditEvent.objects.count()

    client.start(**wrong)

    assert value_of("authserver_auth_denied_total", reason=reason) == before + 1
    assert AuditEvent.objects.count() == rows


def test_no_secret_of_the_flow_reaches_the_log(client, user, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    client.sign_in(User(user.email, "a wrong but telling password"))
    answer = client.authorize(factories.person(user), state="a-telling-state")
    session = client.http.cookies["authserver_session"]

    written = caplog.text + "".join(capfd.readouterr())

    for secret in (
        answer.code, answer.verifier, session, "a wrong but telling password",
        factories.PASSWORD, "a-telling-state", user.email,
    ):  # fmt: skip
        assert secret not in written
