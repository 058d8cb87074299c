"""One question, many answers at once, by real processes on PostgreSQL."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support.factories import PASSWORD, make_client, make_resource, make_user, person
from tests.support.oauth_client import OAuthClient, User
from tests.support.pages import form_with
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

STORMS = 3
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def client(crowd_server):
    resource = make_resource()
    row = make_client()
    running = crowd_server()
    return OAuthClient.at(running.url, client_id=row.client_id, resource=resource.uri)


def cookies_of(driver):
    return "; ".join(f"{name}={value}" for name, value in driver.http.cookies.items())


def question(driver, **overrides):
    """The consent form of a new request of a person who is signed in."""
    page = driver.http.get(driver.start(**overrides).headers["location"])
    return form_with(page.text, url=str(page.url), field_name="session_id")


def post(driver, path, pairs):
    headers = HEADERS | {"Cookie": cookies_of(driver)}
    return lambda http: http.post(path, content=urlencode(pairs), headers=headers)


def in_turn(*senders):
    """Each of sixteen callers takes the next of these senders."""
    waiting = iter(senders * (16 // len(senders)))

    def send(http):
        sender = next(waiting)
        return sender(http)

    return send


def answers_of(responses):
    assert {response.status_code for response in responses} <= {303, 400}
    return [
        parse_qs(urlsplit(response.headers["location"]).query)
        for response in responses
        if response.status_code == 303
    ]


def test_sixteen_answers_leave_one_code_and_one_decision(client):
    from audit.models import AuditEvent
    from oauth.models import AuthorizationCode, ConsentGrant

    client.sign_in(person(make_user()))
    for _ in range(STORMS):
        AuthorizationCode.objects.all().delete()
        AuditEvent.objects.all().delete()
        form = question(client)

        responses = storm(
            str(client.http.base_url),
            post(client, "/consent", form.submission(button=("action", "allow"))),
        )

        assert all("code" in answer for answer in answers_of(responses))
        assert AuthorizationCode.objects.filter(revoked_at=None).count() == 1
        assert AuditEvent.objects.filter(action="consent.granted").count() == 1
        assert ConsentGrant.objects.count() == 1


def test_the_client_never_hears_both_yes_and_no(client):
    from oauth.models import AuthorizationCode

    client.sign_in(person(make_user()))
    for _ in range(STORMS):
        AuthorizationCode.objects.all().delete()
        form = question(client)
        yes, no = (
            post(client, "/consent", form.submission(button=("action", answer)))
            for answer in ("allow", "deny")
        )

        answers = answers_of(storm(str(client.http.base_url), in_turn(yes, no)))

        said = {"yes" if "code" in answer else "no" for answer in answers}
        assert len(said) == 1
        live = AuthorizationCode.objects.filter(revoked_at=None).count()
        assert live == (1 if said == {"yes"} else 0)


@pytest.mark.parametrize("present", [None, []])
def test_two_consents_at_once_both_count(client, present):
    """Whether the row has to be made or is there: neither scope is overwritten by the other."""
    from oauth.models import ConsentGrant

    client.sign_in(person(make_user()))
    client.submit_consent(client.http.get(client.start().headers["location"]))
    for _ in range(STORMS * 2):
        if present is None:
            ConsentGrant.objects.all().delete()
        else:
            ConsentGrant.objects.update(scopes=present)
        senders = [
            post(client, "/consent", question(client, scope=scope).submission(
                button=("action", "allow")
            ))
            for scope in ("read", "write")
        ]  # fmt: skip

        responses = storm(str(client.http.base_url), in_turn(*senders), count=2)

        assert [response.status_code for response in responses] == [303, 303]
        assert ConsentGrant.objects.get().scopes == ["read", "write"]


def test_access_taken_back_during_a_redemption_is_gone_afterwards(client):
    somebody = person(make_user())
    for _ in range(STORMS * 3):
        issued = client.authorize(somebody)
        page = client.http.get("/account")
        form = form_with(page.text, url=str(page.url), field_name="consent")
        redemption = {
            "grant_type": "authorization_code",
            "client_id": client.client_id,
            "code": issued.code,
            "redirect_uri": issued.redirect_uri,
            "code_verifier": issued.verifier,
        }
        senders = (
            post(client, "/account/remove-access", form.submission()),
            lambda http, fields=redemption: http.post("/oauth/token", data=fields),
        )

        responses = storm(str(client.http.base_url), in_turn(*senders), count=2)

        redeemed = next(r for r in responses if "/oauth/token" in str(r.url))
        assert redeemed.status_code in {200, 400}
        if redeemed.status_code == 200:
            refused = client.refresh(redeemed.json()["refresh_token"])
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_guesses_sent_at_once_run_into_the_same_lock(client):
    from audit.models import AuditEvent

    user = make_user(email="ada@example.com")
    page = client.http.get("/login")
    form = form_with(page.text, url=str(page.url), field_name="password")
    guess = form.submission(email=user.email, password="wrong")

    responses = [
        response
        for _ in range(3)
        for response in storm(str(client.http.base_url), post(client, "/login", guess))
    ]

    assert {response.status_code for response in responses} == {422, 429}
    assert client.sign_in(User("ada@example.com", PASSWORD)).status_code == 429
    assert AuditEvent.objects.filter(action="auth.locked_out").count() == 1
    # What the worker threads were already hashing when the lock fell, and no more.
    assert AuditEvent.objects.filter(action="user.login_failed").count() <= 10 + 16
