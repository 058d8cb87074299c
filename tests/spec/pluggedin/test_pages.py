"""/mcp-servers: who sees it, what it tells, and that its forms are its own."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from broker.models import Connection, UpstreamServer
from broker.servers.notices import FAILURES
from tests.spec.pluggedin.test_servers import NOBODY
from tests.support.connecting import title_of
from tests.support.pages import forms_of
from tests.support.record import recorded
from tests.support.servers import make_discovered, make_server, make_server_connection

LIST = "/mcp-servers"


@pytest.fixture
def server(user, upstream):
    made = make_server(user, f"{upstream.url}/mcp", name="Notes <b>")
    make_discovered(made, upstream.url)
    return made


def press(page, ending, *, token="", at=LIST):
    """The answer to the form on the page whose action ends so; `token` replaces its own."""
    shown = page.get(at)
    (form,) = [
        one for one in forms_of(shown.text, url=str(shown.url)) if one.action.endswith(ending)
    ]
    pairs = [(name, token or value) for name, value in form.fields]
    return page.client.post_form(form.action, pairs, page=shown)


def test_signing_in_first_keeps_what_is_to_be_told(anybody, server):
    answer = anybody.get(f"{LIST}?oauth_error=not_authenticated&server_uuid={server.pk}&x=y")

    (back,) = parse_qs(urlsplit(answer.headers["location"]).query)["redirect"]
    assert f"{LIST}?oauth_error=not_authenticated&server_uuid={server.pk}" == back
    page = anybody.client.submit_sign_in(anybody.get(answer.headers["location"]), anybody.person)
    assert back == page.headers["location"]


def test_the_page_tells_codes_of_its_own_and_nothing_else(page, server):
    for code, (title, _) in FAILURES.items():
        shown = page.get(f"{LIST}?oauth_error={code}&server_uuid={server.pk}")
        assert f"{title}: Notes &lt;b&gt;" in shown.text
        assert 'role="alert"' in shown.text
    shown = page.get(f"{LIST}?oauth_error=call+0900-evil&server_uuid=evil&done=evil")
    assert "evil" not in shown.text
    assert "Not connected" in shown.text
    done = page.get(f"{LIST}?oauth_success=true&server_uuid={server.pk}")
    assert "Notes &lt;b&gt; is connected." in done.text


def test_forms_are_its_own(page, server, user):
    make_server_connection(server, user)
    for ending in ("/mcp-servers", "/connect", "/disconnect"):
        assert 403 == press(page, ending, token="forged").status_code
    assert (
        403 == press(page, "/remove", token="forged", at=f"{LIST}/{server.pk}/remove").status_code
    )

    assert (1, "active") == (UpstreamServer.objects.count(), Connection.objects.get().status)
    assert 405 == page.get(f"{LIST}/{server.pk}/connect").status_code


def test_a_server_of_somebody_else_is_none(page, stranger, server):
    owner = server.profile.project.user
    make_server_connection(server, owner)
    token = forms_of(stranger.get(LIST).text, url="http://localhost:9000/")[0].value("csrf_token")
    for key, step in (
        (server.pk, "connect"),
        (server.pk, "disconnect"),
        (server.pk, "remove"),
        (NOBODY, "remove"),
    ):
        shown = stranger.get(LIST)
        answer = stranger.client.post_form(
            f"http://localhost:9000{LIST}/{key}/{step}", [("csrf_token", token)], page=shown
        )
        assert 404 == answer.status_code
    assert 404 == stranger.get(f"{LIST}/{server.pk}/remove").status_code

    assert [{"id": str(server.pk)}] * 4 == recorded("broker_server.ownership_violated")
    assert "active" == Connection.objects.get(user=owner).status


def test_the_page_between_names_who_will_ask(page, server, upstream):
    shown = press(page, f"{server.pk}/connect")

    assert (200, "Connect Notes <b>") == (shown.status_code, title_of(shown))
    assert f'href="{upstream.url}/authorize?' in shown.text
    assert "no-referrer" == shown.headers["referrer-policy"]
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    for _ in range(9):
        press(page, f"{server.pk}/connect")
    limited = press(page, f"{server.pk}/connect")
    assert 429 == limited.status_code
    assert int(limited.headers["retry-after"]) > 0


@pytest.mark.django_db(transaction=True)
def test_disconnecting_and_removing(page, server, user, upstream):
    make_server_connection(server, user)
    assert f"{LIST}?done=disconnected" == press(page, "/disconnect").headers["location"]
    assert ["rt-0", "at-0-of-the-upstream"] == upstream.revoked

    gone = press(page, "/remove", at=f"{LIST}/{server.pk}/remove")
    assert f"{LIST}?done=removed" == gone.headers["location"]
    assert not UpstreamServer.objects.exists()
