"""/connections: what is shown, to whom, and how a connection ends."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from broker.models import Connection
from tests.support.connecting import Browser, title_of
from tests.support.factories import make_client, person
from tests.support.pages import form_with
from tests.support.upstream import make_connection, rises

JSON = {"Accept": "application/json", "Content-Type": "application/json"}
SAME = JSON | {"Sec-Fetch-Site": "same-origin"}


def delete(browser, slug, **headers):
    return browser.client.http.request("DELETE", f"/connections/{slug}", headers=headers or SAME)


@pytest.mark.spec("Broker", "13.1", "MUST", "programs get a list of connections")
def test_programs_get_a_list(browser, user, provider):
    row = make_connection(provider, user)
    answer = browser.client.http.get("/connections")

    assert "application/json" == answer.headers["content-type"]
    (one,) = answer.json()
    assert (provider.slug, ["read", "write"], "active") == (
        one["provider"], one["scopes_granted"], one["status"],
    )  # fmt: skip
    assert row.created_at.strftime("%Y-%m-%dT%H:%M:%SZ") == one["created_at"]
    assert {"Accept", "Cookie"} <= set(answer.headers["vary"].split(", "))


def test_nobody_sees_connections_of_others(stranger, user, provider):
    make_connection(provider, user)

    assert [] == stranger.client.http.get("/connections").json()
    assert 404 == delete(stranger, provider.slug).status_code
    assert "active" == Connection.objects.get().status


def test_anonymous(oauth, user, provider):
    make_connection(provider, user)
    nobody = Browser(oauth, person(user))

    answer = nobody.client.http.get("/connections")
    assert (401, "unauthorized") == (answer.status_code, answer.json()["error"])
    assert "Bearer" == answer.headers["www-authenticate"]
    assert 401 == delete(nobody, provider.slug).status_code
    assert "/login?redirect=/connections" == nobody.get("/connections").headers["location"]
    assert "active" == Connection.objects.get().status


def test_the_page_says_what_there_is(browser, user, provider):
    agent = make_client(name="Helpful <agent>")
    row = make_connection(provider, user, account="ada@forge")
    page = browser.get("/connections")
    assert "Not used yet" in page.text

    Connection.objects.update(last_used_at=clock.now(), last_used_by=agent.client_id)
    page = browser.get("/connections")
    assert "Your connections" == title_of(page)
    for text in ("Forge", "ada@forge", "read, write", "by Helpful &lt;agent&gt;"):
        assert text in page.text
    assert row.connected_at.strftime("Since %-d %B %Y") in page.text

    Connection.objects.update(status="reauth_required")
    assert "Connect again" in browser.get("/connections").text


@pytest.mark.shows("metric", "authserver_connection_disconnect_total")
def test_the_button_ends_it(browser, user, provider, upstream, django_capture_on_commit_callbacks):
    make_connection(provider, user)
    page = browser.get("/connections")
    form = next(
        one
        for one in [form_with(page.text, url=str(page.url), field_name="csrf_token")]
        if one.action.endswith(f"/connections/{provider.slug}/disconnect")
    )
    forged = browser.client.post_form(form.action, [("csrf_token", "x")], page=page)
    assert (403, "active") == (forged.status_code, Connection.objects.get().status)

    with (
        django_capture_on_commit_callbacks(execute=True),
        rises("authserver_connection_disconnect_total", provider=provider.slug),
    ):
        done = browser.client.post_form(form.action, form.submission(), page=page)

    assert "/connections?disconnected=1" == done.headers["location"]
    assert "The account was disconnected" in browser.get(done.headers["location"]).text
    assert ["rt-0"] == upstream.revoked
    event = AuditEvent.objects.get(action="broker_grant.revoked")
    assert (str(user.pk), "user") == (event.actor_id, event.detail["reason"])
    assert [] == browser.client.http.get("/connections").json()


@pytest.mark.spec("Broker", "13.1", "MUST", "disconnecting is 204, and 404 after that")
def test_programs_end_it_once(browser, user, provider):
    make_connection(provider, user)

    assert 204 == delete(browser, provider.slug).status_code
    again = delete(browser, provider.slug)
    assert (404, "not_found") == (again.status_code, again.json()["error"])
    assert 404 == delete(browser, "nobody").status_code


@pytest.mark.parametrize(
    "headers",
    [
        JSON,
        JSON | {"Sec-Fetch-Site": "cross-site"},
        JSON | {"Sec-Fetch-Site": "same-site"},
        JSON | {"Origin": "https://evil.example.com"},
        JSON | {"Origin": "null"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"},
    ],
)
def test_only_pages_of_this_site_end_it_with_the_cookie(browser, user, provider, headers):
    make_connection(provider, user)

    answer = delete(browser, provider.slug, **headers)
    assert (403, "access_denied") == (answer.status_code, answer.json()["error"])
    assert "active" == Connection.objects.get().status


def test_an_origin_of_ours_is_enough(browser, user, provider):
    make_connection(provider, user)

    headers = JSON | {"Origin": "http://localhost:9000"}
    assert 204 == delete(browser, provider.slug, **headers).status_code
