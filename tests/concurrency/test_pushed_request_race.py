"""One `request_uri`, many uses at once, by real processes on PostgreSQL: one of them counts."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.support.factories import driver_for, make_client, make_resource, make_user, person
from tests.support.oauth_client import OAuthClient
from tests.support.pages import form_with
from tests.support.published import key_set, signing_key
from tests.support.pushed import arrive, link, pushed, request_object
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

REDIRECT = "https://app.example/cb"
STORMS = 3
KEY = signing_key()


@pytest.fixture
def client(crowd_server):
    resource = make_resource()
    row = make_client(
        redirect_uris=REDIRECT, client_jwks=key_set(KEY), request_object_signing_alg="ES256"
    )
    running = crowd_server()
    base = OAuthClient.at(running.url)
    return driver_for(row, base=base, resource=resource.uri, redirect_uri=REDIRECT)


def cookies_of(driver):
    return "; ".join(f"{name}={value}" for name, value in driver.http.cookies.items())


def url_of(driver):
    return str(driver.http.base_url)


def test_sixteen_browsers_and_one_may_go_on(client):
    for _ in range(STORMS):
        target = link(client, pushed(client))

        answers = storm(url_of(client), lambda http, target=target: http.get(target))

        assert sorted(answer.status_code for answer in answers) == [303] + [400] * 15


def test_sixteen_arrivals_with_remembered_consent_yield_one_code(client):
    from oauth.models import AuthorizationCode

    user = person(make_user())
    client.follow(link(client, pushed(client)), user, redirect_uri=REDIRECT)
    headers = {"Cookie": cookies_of(client)}
    for _ in range(STORMS):
        AuthorizationCode.objects.all().delete()
        target = link(client, pushed(client))

        answers = storm(
            url_of(client), lambda http, target=target: http.get(target, headers=headers)
        )

        assert sorted(answer.status_code for answer in answers) == [303] + [400] * 15
        assert AuthorizationCode.objects.count() == 1


def test_sixteen_tabs_yield_one_decision(client):
    from audit.models import AuditEvent
    from oauth.models import AuthorizationCode

    client.sign_in(person(make_user()))
    AuditEvent.objects.all().delete()
    reference = pushed(client, prompt="consent")
    forms = []
    for _ in range(16):
        page = client.http.get(arrive(client, reference).headers["location"])
        forms.append(form_with(page.text, url=str(page.url), field_name="session_id"))
    # A list: threads may not ask one generator at the same moment.
    bodies = iter(
        [
            urlencode(form.submission(button=("action", "allow" if number % 2 else "deny")))
            for number, form in enumerate(forms)
        ]
    )
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Site": "same-origin",
        "Cookie": cookies_of(client),
    }

    answers = storm(
        url_of(client), lambda http: http.post("/consent", content=next(bodies), headers=headers)
    )

    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 15
    decisions = ["consent.granted", "consent.denied"]
    assert AuditEvent.objects.filter(action__in=decisions).count() == 1
    assert AuthorizationCode.objects.count() <= 1


def test_one_signed_request_is_pushed_once(client):
    from oauth.models import PushedRequest

    for _ in range(STORMS):
        PushedRequest.objects.all().delete()
        text, _, _ = request_object(client, KEY)
        body = {"client_id": client.client_id, "request": text}

        answers = storm(url_of(client), lambda http, body=body: http.post("/oauth/par", data=body))

        assert sorted(answer.status_code for answer in answers) == [201] + [400] * 15
        assert PushedRequest.objects.count() == 1
