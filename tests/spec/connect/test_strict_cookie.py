"""The way back from a service where the session cookie is kept from other sites."""

from __future__ import annotations

import re
from html import unescape

import pytest

from broker.models import Connection, ConnectState

pytestmark = pytest.mark.django_db
NAME = "authserver_session"


@pytest.fixture
def strict(override_config):
    override_config(session={"same_site": "strict"})


def without_the_cookie(browser, url):
    """What a browser asks for when another site sends it: all but the strict cookie."""
    jar = browser.client.http.cookies
    kept = jar.get(NAME)
    jar.delete(NAME)
    try:
        return browser.get(url)
    finally:
        jar.set(NAME, kept)


def returning(sent, **answer):
    from urllib.parse import urlencode, urlsplit

    path = urlsplit(sent["redirect_uri"]).path
    return f"{path}?{urlencode({'state': sent['state'], **answer})}"


@pytest.mark.usefixtures("strict", "forge")
def test_a_page_of_ours_leads_on_and_the_cookie_comes_along(browser, provider, user, upstream):
    sent = browser.leave(provider.slug)
    page = without_the_cookie(browser, returning(sent, code='a"><b>&c'))

    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<b>" not in page.text
    assert upstream.asked == []
    assert ConnectState.objects.get().consumed_at is None
    (onward,) = re.findall(r'content="0; url=([^"]*)"', page.text)
    onward = unescape(onward)
    assert onward.startswith(f"/connect/{provider.slug}/callback?")

    answer = browser.get(onward)
    assert answer.status_code == 303, answer.text
    assert Connection.objects.get().user_id == user.pk


@pytest.mark.usefixtures("strict", "forge")
def test_without_a_session_the_second_request_says_so(browser, provider):
    url = returning(browser.leave(provider.slug), code="c")
    assert without_the_cookie(browser, url).status_code == 200
    assert without_the_cookie(browser, f"{url}&arrived=1").status_code == 403
    assert without_the_cookie(browser, f"/{url}").status_code == 404


@pytest.mark.usefixtures("forge")
def test_there_is_no_such_page_where_the_cookie_comes_along(browser, provider):
    url = returning(browser.leave(provider.slug), code="c")
    assert without_the_cookie(browser, url).status_code == 403


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("path", ["/api/oauth/callback", "/api/v1/oauth/callback"])
def test_the_other_ways_back(oauth, path):
    page = oauth.http.get(f"{path}?code=c&state=s")
    assert (200, True) == (page.status_code, "arrived=1" in page.text)
    assert oauth.http.get(f"{path}?code=c&state=s&arrived=1").status_code != 200
