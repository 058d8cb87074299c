"""A person connects an account and ends it, in a browser that runs no script."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.browser import looks
from tests.browser.conftest import keep_picture, sign_in
from tests.support.connecting import make_forge
from tests.support.upstream import make_connection, make_provider, running_upstream


@pytest.fixture
def upstream(override_config):
    override_config(broker={"allowed_private_hosts": ("127.0.0.1",)})
    with running_upstream() as running:
        yield running


@pytest.fixture
def provider(world, upstream):
    made = make_provider(upstream)
    make_forge(made)
    return made


def link(world, provider, return_url):
    query = urlencode({"return_url": return_url, "resource": "forge"})
    return f"{world.url}/connect/{provider.slug}?{query}"


def test_connect_and_disconnect(page, world, provider, upstream):
    page.goto(link(world, provider, f"{world.url}/connections"))
    sign_in(page, world)
    page.get_by_role("heading", name="Connect Forge").wait_for()
    keep_picture(page, "connect-continue")
    page.get_by_role("link", name="Continue to Forge").click()
    page.get_by_role("link", name="Allow").click()
    page.get_by_role("heading", name="Your connections").wait_for()
    assert "read, repo:write" in page.get_by_role("listitem").inner_text()
    keep_picture(page, "connections")

    page.get_by_role("button", name="Disconnect Forge").click()
    page.get_by_role("status").wait_for()
    keep_picture(page, "connections-disconnected")

    assert page.get_by_role("listitem").count() == 0
    assert len(upstream.revoked) == 1


def test_a_denial_arrives_at_the_application(page, world, provider, client_app, override_config):
    override_config(connect={"allowed_return_urls": ("http://127.0.0.1:*",)})
    page.goto(link(world, provider, client_app.redirect_uri))
    sign_in(page, world)
    page.get_by_role("link", name="Continue to Forge").click()
    page.get_by_role("link", name="Deny").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert {"error": "access_denied"} == client_app.answer


def test_a_key_is_pasted_and_the_application_gets_its_user_back(
    page, world, provider, client_app, override_config
):
    """The page's policy lets its form end at the application, which is another origin."""
    _paste_instead(provider)
    override_config(connect={"allowed_return_urls": ("http://127.0.0.1:*",)})
    page.goto(link(world, provider, client_app.redirect_uri))
    sign_in(page, world)
    page.get_by_label("Key", exact=True).fill("forge-key-1")
    keep_picture(page, "paste-key")
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("heading", name="Back at the application").wait_for()
    page.goto(f"{world.url}/connections")

    assert "Forge" in page.get_by_role("listitem").inner_text()


def _paste_instead(provider):
    from broker.providers import selectors

    provider.protocol = "api_key"
    provider.config_data = {
        "header_name": "X-Key",
        "issuance_instructions_url": "https://forge.example.com/keys",
    }
    provider.secret_sealed = None
    provider.save()
    selectors.drop()


@looks.needs_axe
def test_the_pages_break_no_rule_of_accessibility(open_page, world, provider):
    from authplane.accounts.models import User

    make_connection(provider, User.objects.get(email=world.email), account="ada@forge.example")
    page = open_page(bypass_csp=True, **looks.PAGES[-1].context)
    inspection = looks.Inspection(page, options=looks.DEFAULTS)
    own = f"{world.url}/connections"
    page.goto(link(world, provider, own))
    sign_in(page, world)
    # It is shown to those who had to sign in on the way.
    page.get_by_role("link", name="Continue to Forge").wait_for()
    inspection.look_at("connect-continue")
    page.goto(own)
    page.get_by_role("heading", name="Your connections").wait_for()
    inspection.look_at("connect-connections")
    _paste_instead(provider)
    page.goto(link(world, provider, own))
    page.get_by_label("Key", exact=True).wait_for()
    inspection.look_at("connect-paste")

    assert not inspection.faults, inspection.report
