"""The reference pages of both listeners: whole, quiet, and good for a request."""

from __future__ import annotations

import pytest

from tests.browser.conftest import keep_picture
from tests.operator.conftest import KEY
from tests.support import factories


@pytest.fixture
def visit(open_page, live_server, settings, override_config):
    """A tab at the reference of a listener, and everything that it asked for or complained of."""

    def go(listener):
        settings.ROOT_URLCONF = f"authplane.urls.{listener}"
        override_config(server={"issuer": live_server.url})
        page = open_page(viewport={"width": 1280, "height": 900})
        page.heard, page.asked = [], []
        page.on("console", lambda message: _hear(page, message))
        page.on("pageerror", lambda error: page.heard.append(f"error: {error}"))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(f"{live_server.url}/docs/api")
        page.locator(".opblock-tag").first.wait_for()
        return page

    return go


def _hear(page, message):
    if message.type in {"error", "warning"}:
        page.heard.append(f"{message.type}: {message.text}")


@pytest.mark.parametrize(("listener", "title"), [
    ("operator", "Operator API"), ("public", "Public interface"),
])  # fmt: skip
def test_the_page_shows_its_listener_and_asks_nobody_else(visit, live_server, listener, title):
    page = visit(listener)
    keep_picture(page, f"reference-{listener}")

    assert title in page.locator(".info").inner_text()
    assert page.locator(".opblock-tag").count() > 3
    assert [] == page.heard
    elsewhere = [url for url in page.asked if not url.startswith((live_server.url, "data:"))]
    assert [] == elsewhere


def test_an_operator_tries_a_route_out_and_nothing_of_the_key_is_kept(visit):
    factories.make_user(email="ada@example.com")
    page = visit("operator")

    page.get_by_role("button", name="Authorize").click()
    scheme = page.locator(".auth-container", has_text="operatorKey")
    scheme.get_by_role("textbox").fill(KEY)
    scheme.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").first.click()
    page.locator("#operations-tag-users .opblock-tag, h3[data-tag=users]").first.click()
    one = page.locator("#operations-users-Users_list")
    one.locator(".opblock-summary-control").click()
    one.get_by_role("button", name="Try it out").click()
    one.get_by_role("button", name="Execute").click()
    one.locator(".live-responses-table").wait_for()
    keep_picture(page, "reference-operator-tried")

    assert "ada@example.com" in one.locator(".live-responses-table").inner_text()
    assert [] == page.heard
    stores = "{...localStorage}, {...sessionStorage}, document.cookie"
    kept = page.evaluate(f"JSON.stringify([{stores}])")
    assert KEY not in kept
