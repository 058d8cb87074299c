"""Ways back from other sites, where the session cookie is kept from requests that they begin.

The services run at 127.0.0.1 and this server at localhost, which browsers take for two sites.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from django.test import override_settings

from tests.browser.conftest import keep_picture, sign_in
from tests.browser.test_connections import link
from tests.support import factories
from tests.support.connecting import make_forge
from tests.support.openid import register, running_openid
from tests.support.upstream import make_provider, running_upstream


@pytest.fixture
def world(world, override_config):
    """The same server under a name that is another site than the services'."""
    url = f"http://localhost:{urlsplit(world.url).port}"
    override_config(
        server={"issuer": url},
        session={"same_site": "strict"},
        broker={"allowed_private_hosts": ("127.0.0.1",)},
    )
    with override_settings(SESSION_COOKIE_SAMESITE="Strict"):
        yield replace(world, url=url)


def test_connecting_an_account(page, world):
    with running_upstream() as upstream:
        provider = make_provider(upstream)
        make_forge(provider)
        page.goto(f"{world.url}/account")
        sign_in(page, world)
        page.get_by_role("heading", name="Your account").wait_for()

        page.goto(link(world, provider, f"{world.url}/connections"))
        arrived = []
        page.on("response", lambda answer: arrived.append((answer.status, answer.url)))
        page.get_by_role("link", name="Allow").click()
        page.get_by_role("heading", name="Your connections").wait_for()

        assert "read, repo:write" in page.get_by_role("listitem").inner_text()
    # Once without the cookie, then by a request of ours with it.
    back = [(status, "arrived=1" in url) for status, url in arrived if "/callback" in url]
    assert back == [(200, False), (303, True)]


def test_signing_in_with_a_provider(page, world, client_app):
    with running_openid() as idp:
        register(idp, display_name="Acme")
        client = factories.make_client(redirect_uris=client_app.redirect_uri)
        page.goto(world.link(client.client_id, client_app.redirect_uri))
        page.get_by_role("link", name="Continue with Acme").click()
        page.get_by_role("link", name="Sign in as Ann").click()
        page.get_by_role("button", name="Allow").click()
        page.get_by_role("heading", name="Back at the application").wait_for()
    assert client_app.answer["code"]


def test_the_page_on_the_way_is_readable(open_page, world):
    """It leads on by itself; where refreshing is switched off, its link does."""
    page = open_page(java_script_enabled=False)
    page.route("**/*arrived=1*", lambda route: route.fulfill(status=204))
    page.goto(f"{world.url}/api/oauth/callback?code=c&state=s")
    keep_picture(page, "strict-arrived")

    link = page.get_by_role("link", name="Continue")
    assert "arrived=1" in (link.get_attribute("href") or "")
