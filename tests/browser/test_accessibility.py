"""Every page with a keyboard, a screen reader, a telephone, in the dark, and enlarged."""

from __future__ import annotations

import pytest

from tests.browser import looks
from tests.browser.conftest import sign_in
from tests.support import factories


@pytest.fixture
def client(client_app):
    return factories.make_client(name="Desktop app", redirect_uris=client_app.redirect_uri)


@pytest.fixture
def scene(world, client, client_app):
    """What a visit to one of the pages needs."""
    return {"world": world, "client": client, "client_app": client_app}


def sign_in_page(page, world, client, client_app):
    page.goto(world.link(client.client_id, client_app.redirect_uri))


def refused_sign_in_page(page, world, client, client_app):
    sign_in_page(page, world, client, client_app)
    sign_in(page, world, password="wrong")
    page.get_by_role("alert").wait_for()


def consent_page(page, world, client, client_app):
    sign_in_page(page, world, client, client_app)
    sign_in(page, world)
    page.get_by_role("heading", name="Allow").wait_for()


def error_page(page, world, client, client_app):
    page.goto(world.link(client.client_id, "https://evil.example/"))


def account_page(page, world, client, client_app):
    consent_page(page, world, client, client_app)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()
    page.goto(f"{world.url}/account")


def missing_page(page, world, client, client_app):
    page.goto(f"{world.url}/docs/nowhere", wait_until="load")


PAGES = [
    sign_in_page, refused_sign_in_page, consent_page, error_page, account_page, missing_page,
]  # fmt: skip


@pytest.mark.parametrize("visit", PAGES, ids=lambda visit: visit.__name__)
def test_no_look_breaks_a_rule_or_cuts_anything_off(visit, open_page, scene):
    page = open_page(**looks.PAGES[-1].context)
    inspection = looks.Inspection(page)
    visit(page, **scene)

    inspection.look_at(visit.__name__)

    assert not inspection.faults, inspection.report
    if not looks.AXE.exists():
        pytest.skip("nothing is cut off; the rest needs axe-core: python -m tests.support.node")


def test_long_names_do_not_break_the_page(open_page, world, client_app):
    row = factories.make_client(
        name="W" * 200, redirect_uris=client_app.redirect_uri,
    )  # fmt: skip
    page = open_page(viewport={"width": 320, "height": 600})
    consent_page(page, world, row, client_app)

    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_whole_flow_with_the_keyboard_alone(page, world, client, client_app):
    page.goto(world.link(client.client_id, client_app.redirect_uri))
    # The focus is set after the load event; letters typed before it go nowhere.
    page.locator("#email:focus").wait_for()
    page.keyboard.type(world.email)
    page.keyboard.press("Tab")
    page.keyboard.type(world.password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Allow").wait_for()
    stops = []
    for _ in range(8):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        stops.append(focused.inner_text() or focused.get_attribute("value"))
        if stops[-1] == "Allow":
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert stops == ["Skip to content", "read", "write", "account page", "Deny", "Allow"]
    assert client_app.answer["code"]


def test_the_return_key_in_a_tick_box_does_not_allow(page, world, client, client_app):
    consent_page(page, world, client, client_app)
    page.get_by_label("Read your notes and their titles.").focus()

    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert client_app.answer["error"] == "access_denied"


def test_focus_can_be_seen_everywhere(open_page, world, client, client_app):
    page = open_page()
    consent_page(page, world, client, client_app)

    for _ in range(7):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")


def test_deny_and_allow_weigh_the_same(open_page, world, client, client_app):
    page = open_page()
    consent_page(page, world, client, client_app)
    look = """button => {
        const style = getComputedStyle(button), box = button.getBoundingClientRect();
        return [style.color, style.backgroundColor, style.borderColor, style.borderWidth,
                style.fontSize, style.fontWeight, style.opacity, box.width, box.height, box.top];
    }"""

    deny, allow = (
        page.get_by_role("button", name=name).evaluate(look) for name in ("Deny", "Allow")
    )

    assert deny == allow


def test_a_mistake_is_announced_and_tied_to_its_fields(open_page, world, client, client_app):
    page = open_page()
    refused_sign_in_page(page, world, client, client_app)

    for label in ("E-mail address", "Password"):
        box = page.get_by_label(label)
        assert box.get_attribute("aria-invalid") == "true"
        described = page.locator(f"#{box.get_attribute('aria-describedby')}")
        assert described.inner_text() == "Invalid email or password"
    assert page.title().startswith("Error: ")


def test_pages_have_titles_that_tell_them_apart(open_page, world, client, client_app):
    page = open_page()
    titles = []
    for visit in (sign_in_page, error_page, account_page, missing_page):
        visit(page, world, client, client_app)
        titles.append(page.title())

    assert len(set(titles)) == len(titles)
    assert all(title.endswith(world.url.removeprefix("http://")) for title in titles)
