"""A person allows an application to go through a proxy, in a browser that runs no script."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.browser import looks
from tests.browser.conftest import keep_picture, sign_in
from tests.support.factories import make_client
from tests.support.oauth_client import pkce_pair
from tests.support.proxies import make_proxy
from tests.support.upstream import make_provider, running_upstream


@pytest.fixture
def proxy(world, override_config):
    override_config(broker={"allowed_private_hosts": ("127.0.0.1",)})
    with running_upstream() as running:
        yield make_proxy(
            make_provider(running), name="Forge files", allowed_redirects=["http://127.0.0.1:*/*"]
        )


def link(world, proxy, redirect_uri, **parameters):
    client = make_client(
        issuer=f"/api/v1/oauth-proxy/{proxy.pk}", client_id="gateway_1", name="Desk Agent",
        redirect_uris=redirect_uri,
    )  # fmt: skip
    query = {
        "response_type": "code", "client_id": client.client_id, "redirect_uri": redirect_uri,
        "state": "s", "code_challenge": pkce_pair()[1], "code_challenge_method": "S256",
    } | parameters  # fmt: skip
    return f"{world.url}/api/v1/oauth-proxy/{proxy.pk}/authorize?{urlencode(query)}"


def test_there_and_back(page, world, proxy, client_app):
    """Each form's policy holds: to the service by a page of ours, and back without one."""
    page.goto(link(world, proxy, client_app.redirect_uri))
    sign_in(page, world)
    page.get_by_role("heading", name="Allow Desk Agent to use Forge files?").wait_for()
    keep_picture(page, "proxy-consent")
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Forge", exact=True).wait_for()
    assert not client_app.received
    page.get_by_role("link", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()
    assert client_app.answer["code"]
    assert client_app.answer["iss"].endswith(f"/api/v1/oauth-proxy/{proxy.pk}")

    page.goto(f"{world.url}/connections")
    page.get_by_role("heading", name="Applications that use them through a proxy").wait_for()
    keep_picture(page, "proxy-applications")
    page.get_by_role("button", name="Remove Desk Agent").click()
    page.get_by_role("status").wait_for()
    assert page.get_by_role("button", name="Remove Desk Agent").count() == 0


def test_a_refusal_arrives_at_the_application(page, world, proxy, client_app):
    page.goto(link(world, proxy, client_app.redirect_uri))
    sign_in(page, world)
    page.get_by_role("button", name="Deny").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert client_app.answer["error"] == "access_denied"


def test_after_signing_in_the_way_leads_on_by_itself(page, world, proxy, client_app):
    """Without a consent page the hop follows the sign-in form, whose policy names no service."""
    from broker.proxies import selectors

    proxy.require_consent = False
    proxy.allowed_redirects = ["https://app.example.com/callback"]
    proxy.save()
    selectors.drop()
    page.goto(link(world, proxy, "https://app.example.com/callback"))
    sign_in(page, world)

    page.get_by_role("heading", name="Forge", exact=True).wait_for()


@looks.needs_axe
def test_the_page_breaks_no_rule_of_accessibility(open_page, world, proxy, client_app):
    page = open_page(bypass_csp=True, **looks.PAGES[-1].context)
    inspection = looks.Inspection(page, options=looks.DEFAULTS)
    page.goto(link(world, proxy, client_app.redirect_uri))
    sign_in(page, world)
    page.get_by_role("heading", name="Allow Desk Agent to use Forge files?").wait_for()

    inspection.look_at("proxy-consent")

    assert not inspection.faults, inspection.report
