"""A pushed request at the authorization endpoint: one client, one browser, one answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authplane.core import clock
from oauth.models import AuthorizationCode, AuthorizationRequest, PushedRequest
from tests.support.digests import nothing_changes
from tests.support.factories import driver_for, make_client, make_user, person
from tests.support.pages import form_with
from tests.support.pushed import arrive, authorize_pushed, link, push, pushed
from tests.support.scene import change_client

pytestmark = pytest.mark.django_db

LAPSED = "This link has been used or has lapsed"


def assert_page(answer, text=LAPSED, status=400):
    assert answer.status_code == status, answer.text
    assert "location" not in answer.headers
    assert text in answer.text


@pytest.mark.spec("RFC 9126", "4", "MUST", "the pushed parameters are those of the request")
def test_a_pushed_request_leads_to_tokens(scene):
    authorization = authorize_pushed(scene.client, scene.person)

    assert authorization.parameters["state"] == authorization.sent["state"]
    assert authorization.parameters["iss"] == scene.client.issuer
    answer = scene.client.redeem(authorization)
    assert answer.status_code == 200
    assert answer.json()["scope"] == "read"


def test_the_query_cannot_add_to_a_pushed_request(scene):
    reference = pushed(scene.client, scope="read", state="mine")
    scene.client.sign_in(scene.person)
    arrive(
        scene.client, reference,
        scope="read write", state="other", redirect_uri="https://elsewhere.example/",
        prompt="none", request="eyJhbGciOiJub25lIn0.e30.",
    )  # fmt: skip

    waiting = AuthorizationRequest.objects.get()
    assert (waiting.scope, waiting.state) == ("read", "mine")
    assert waiting.redirect_uri == scene.client.redirect_uri


@pytest.mark.spec("RFC 9126", "2.2", "MUST", "a request_uri is bound to the client that pushed")
def test_another_client_cannot_use_it(scene):
    reference = pushed(scene.client)
    other = scene.another_client()

    with nothing_changes():
        assert_page(arrive(other, reference))
    assert arrive(scene.client, reference).status_code == 303


def test_without_a_client_it_is_nothing(scene):
    reference = pushed(scene.client)

    with nothing_changes():
        answer = scene.client.http.get(f"/oauth/authorize?request_uri={reference}")
        assert_page(answer, "not known here")


@pytest.mark.spec("RFC 9126", "4", "MUST", "an expired request_uri is refused")
def test_a_browser_has_a_minute_to_arrive(scene, frozen_clock):
    first, second = pushed(scene.client), pushed(scene.client)

    frozen_clock.shift(59)
    assert arrive(scene.client, first).status_code == 303
    frozen_clock.shift(1)
    with nothing_changes():
        assert_page(arrive(scene.client, second))


def test_signing_in_may_take_longer_than_the_minute(scene, frozen_clock):
    answer = arrive(scene.client, pushed(scene.client))
    page = scene.client.http.get(answer.headers["location"])
    frozen_clock.shift(300)

    response = scene.client.submit_sign_in(page, scene.person)
    response = scene.client.http.get(response.headers["location"])
    assert response.headers["location"].startswith("/consent?")
    asked = scene.client.http.get(response.headers["location"])
    allowed = scene.client.submit_consent(asked)
    assert "code=" in allowed.headers["location"]


def test_not_longer_than_any_other_request(scene, frozen_clock):
    reference = pushed(scene.client)
    arrive(scene.client, reference)

    frozen_clock.shift(601)
    assert_page(arrive(scene.client, reference))


def test_opening_the_link_again_wins_no_time(scene, frozen_clock):
    scene.client.sign_in(scene.person)
    reference = pushed(scene.client)
    arrive(scene.client, reference)
    frozen_clock.shift(500)
    arrive(scene.client, reference)

    ends = set(AuthorizationRequest.objects.values_list("expires_at", flat=True))
    assert ends == {PushedRequest.objects.get().expires_at}


def test_the_sign_in_page_knows_where_it_ends(scene):
    reference = pushed(scene.client, login_hint="me@example.com")
    answer = arrive(scene.client, reference)
    page = scene.client.http.get(answer.headers["location"])

    assert "http://127.0.0.1:8765" in page.headers["content-security-policy"]
    assert "me@example.com" in page.text


def test_the_same_browser_may_reload(scene):
    reference = pushed(scene.client)

    assert arrive(scene.client, reference).status_code == 303
    assert arrive(scene.client, reference).status_code == 303


def test_another_browser_is_refused(scene):
    reference = pushed(scene.client)
    arrive(scene.client, reference)
    stranger = scene.client.sibling(client_id=scene.client.client_id)
    stranger.sign_in(person(make_user()))

    with nothing_changes():
        assert_page(arrive(stranger, reference))


def test_a_browser_cannot_choose_its_mark(scene):
    reference = pushed(scene.client)
    arrive(scene.client, reference)
    stranger = scene.client.sibling(client_id=scene.client.client_id)
    stranger.http.cookies.set("authserver_login_nonce", "abc|def")

    assert_page(arrive(stranger, reference))


@pytest.mark.spec("RFC 9126", "4", "SHOULD", "a request_uri is used once")
@pytest.mark.parametrize("allow", [True, False])
def test_the_answer_uses_it_up(scene, allow):
    answer, _, _ = push(scene.client)
    reference = answer.json()["request_uri"]
    scene.client.follow(
        link(scene.client, reference),
        scene.person,
        redirect_uri=scene.client.redirect_uri,
        allow=allow,
    )

    with nothing_changes():
        assert_page(arrive(scene.client, reference))


def test_an_error_at_the_client_uses_it_up(scene):
    reference = pushed(scene.client, prompt="none")
    answer = arrive(scene.client, reference)

    assert "error=login_required" in answer.headers["location"]
    with nothing_changes():
        assert_page(arrive(scene.client, reference))


def test_remembered_consent_uses_it_up(scene):
    row = make_client(redirect_uris="https://app.example/cb")
    client = driver_for(
        row, base=scene.client, resource=scene.resource.uri, redirect_uri="https://app.example/cb"
    )
    authorize_pushed(client, scene.person)
    reference = pushed(client)

    assert "code=" in arrive(client, reference).headers["location"]
    with nothing_changes():
        assert_page(arrive(client, reference))
    assert AuthorizationCode.objects.count() == 2


def test_two_tabs_get_one_answer(scene):
    scene.client.sign_in(scene.person)
    reference = pushed(scene.client)
    pages = [
        scene.client.http.get(arrive(scene.client, reference).headers["location"]) for _ in range(2)
    ]

    assert "code=" in scene.client.submit_consent(pages[0]).headers["location"]
    with nothing_changes():
        second = scene.client.submit_consent(pages[1], allow=False)
        assert_page(second, "You have answered this already")
    assert AuthorizationCode.objects.count() == 1


def test_a_double_click_gets_a_working_code(scene):
    scene.client.sign_in(scene.person)
    answer, _, _ = push(scene.client)
    page = scene.client.http.get(
        arrive(scene.client, answer.json()["request_uri"]).headers["location"]
    )
    scene.client.submit_consent(page)
    second = scene.client.submit_consent(page)

    assert "code=" in second.headers["location"]
    assert AuthorizationCode.objects.filter(revoked_at=None).count() == 1


def test_switching_accounts_keeps_the_pushed_request(scene):
    scene.client.sign_in(person(make_user()))
    reference = pushed(scene.client)
    page = scene.client.http.get(arrive(scene.client, reference).headers["location"])
    [switch] = [
        anchor for anchor in page.text.split('href="') if anchor.startswith("/login?redirect=")
    ]
    signing_in = scene.client.http.get(switch.split('"')[0].replace("&amp;", "&"))
    form = form_with(signing_in.text, url=str(signing_in.url), field_name="password")
    assert reference in dict(form.submission())["redirect"].replace("%3A", ":")

    answer = scene.client.submit_sign_in(signing_in, scene.person)
    answer = scene.client.http.get(answer.headers["location"])
    asked = scene.client.http.get(answer.headers["location"])
    assert "code=" in scene.client.submit_consent(asked).headers["location"]


def test_what_was_good_may_have_become_bad(scene):
    reference = pushed(scene.client)
    change_client(scene.client, redirect_uris="https://app.example/cb")

    assert_page(arrive(scene.client, reference), "wrong address")


@pytest.mark.parametrize("text", ["", "short", "ä" * 43, "a" * 43, "a" * 44])
def test_invented_references_are_refused(scene, text):
    with nothing_changes():
        assert_page(arrive(scene.client, f"urn:ietf:params:oauth:request_uri:{text}"))


def test_purging_leaves_what_waits(scene, frozen_clock):
    from oauth.maintenance.targets import purge_target

    old = pushed(scene.client)
    frozen_clock.shift(30)
    pushed(scene.client)
    frozen_clock.shift(30)

    assert purge_target("pushed-requests") == 1
    assert PushedRequest.objects.get().expires_at > clock.now() + timedelta(seconds=29)
    assert_page(arrive(scene.client, old))
