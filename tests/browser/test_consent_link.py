"""A person follows the link of a refused exchange, in a browser that runs no script."""

from __future__ import annotations

import pytest

from tests.browser import looks
from tests.browser.conftest import keep_picture, sign_in
from tests.support import factories
from tests.support.exchanging import EXCHANGE
from tests.support.oauth_client import OAuthClient, User


@pytest.fixture
def refused(world):
    """`refused()`: the gateway's exchange, which lacks the person's consent."""
    from oauth.keys.rotation import ensure_first_key
    from oauth.resources import selectors

    ensure_first_key()
    made = factories.make_confidential_client(grant_types=["client_credentials", EXCHANGE])
    factories.make_resource(
        slug="drive", uri="https://drive.example.com/api", display_name="Team Drive",
        scopes=[{"name": "read", "description": "Read the files of your team.", "default": True}],
        policy={"exchange": {"allowed_client_ids": [made.row.client_id]}},
    )  # fmt: skip
    selectors.drop()
    agent = OAuthClient.at(
        world.url, client_id=factories.make_client(name="Helpful agent").client_id,
        resource=world.resource, scope="read",
    )  # fmt: skip
    gateway = OAuthClient.at(
        world.url, client_id=made.row.client_id, client_secret=made.secret,
        auth_method="client_secret_basic",
    )  # fmt: skip
    token = agent.tokens(User(world.email, world.password))["access_token"]

    return lambda: gateway.exchange(token, resource="drive")


def test_with_the_keyboard_alone_from_the_refusal_to_the_token(page, world, refused):
    answer = refused()
    assert answer.json()["error"] == "consent_required", answer.text

    page.goto(answer.json()["consent_url"])
    sign_in(page, world)
    page.get_by_role("heading", name="Allow Helpful agent to use Team Drive?").wait_for()
    keep_picture(page, "consent-link")
    stops = []
    for _ in range(6):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        stops.append(focused.inner_text() or focused.get_attribute("value"))
        if stops[-1] == "Allow":
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Access is allowed").wait_for()
    keep_picture(page, "consent-link-allowed")

    assert ["Skip to content", "read", "account page", "Deny", "Allow"] == stops
    assert "read" == refused().json()["scope"]


@looks.needs_axe
def test_the_page_breaks_no_rule_of_accessibility(open_page, world, refused):
    page = open_page(bypass_csp=True, **looks.PAGES[-1].context)
    inspection = looks.Inspection(page, options=looks.DEFAULTS)
    page.goto(refused().json()["consent_url"])
    sign_in(page, world)
    page.get_by_role("heading", name="Allow").wait_for()

    inspection.look_at("consent-link")

    assert not inspection.faults, inspection.report
