"""What Chromium enforces: form targets, origins, frames, openers; each guard is seen to bite."""

from __future__ import annotations

import re

from tests.browser.conftest import sign_in
from tests.support import factories


def violations(page):
    """Console messages about the content security policy, as they come."""
    seen = []
    page.on("console", lambda line: seen.append(line.text) if "Content Security" in line.text
            or "content security" in line.text else None)  # fmt: skip
    return seen


def answer_with_header(page, pattern, name, change):
    """The answers to `pattern` reach the browser with one header changed.

    Playwright sees the first request of a chain of redirects only, hence the reloads.
    """

    def fulfil(route):
        response = route.fetch(max_redirects=0)
        headers = dict(response.headers)
        headers[name] = change(headers.get(name, ""))
        route.fulfill(response=response, headers=headers)

    page.route(pattern, fulfil)


def test_no_page_violates_its_own_policy(page, world, client_app):
    seen = violations(page)
    client = factories.make_client(redirect_uris=client_app.redirect_uri)

    page.goto(world.link(client.client_id, client_app.redirect_uri))
    sign_in(page, world, password="wrong")
    sign_in(page, world)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()
    page.goto(f"{world.url}/account")

    assert seen == []
    assert client_app.answer["code"]


def test_the_form_policy_is_needed_for_the_redirect_after_consent(open_page, world, client_app):
    """Without the client's origin in form-action Chromium drops the answer on its way."""
    page = open_page()
    seen = violations(page)
    client = factories.make_client(redirect_uris=client_app.redirect_uri)
    answer_with_header(
        page, re.compile(r"/consent\?"), "content-security-policy",
        lambda policy: re.sub(r"form-action.*", "form-action 'self'", policy),
    )  # fmt: skip
    page.goto(world.link(client.client_id, client_app.redirect_uri))
    sign_in(page, world)
    page.get_by_role("heading", name="Allow").wait_for()
    page.reload()

    page.get_by_role("button", name="Allow").click()
    page.wait_for_timeout(1000)

    assert client_app.received == []
    assert any("form-action" in text for text in seen)


def test_remembered_consent_passes_the_sign_in_form_s_policy(page, world, https_app):
    """Sign-in, authorization endpoint and client follow each other without a page in between."""
    client = factories.make_client(redirect_uris=https_app.redirect_uri)
    link = world.link(client.client_id, https_app.redirect_uri)
    page.goto(link)
    sign_in(page, world)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()
    page.context.clear_cookies()
    seen = violations(page)

    page.goto(link)
    sign_in(page, world)
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert len(https_app.received) == 2
    assert https_app.answer["code"]
    assert seen == []


def test_sign_in_without_a_genuine_ticket_opens_no_foreign_origin(page, world):
    target = "/oauth/authorize%3Fredirect_uri%3Dhttps%253A%252F%252Fevil.example%252F"

    response = page.goto(f"{world.url}/login?redirect={target}")

    assert response.headers["content-security-policy"].endswith("form-action 'self'")


def test_private_schemes_pass_the_form_policy(open_page, world):
    redirect_uri = "cursor://anysphere.cursor-retrieval/oauth/callback"
    client = factories.make_client(redirect_uris=redirect_uri)
    page = open_page()
    seen = violations(page)
    locations = []
    page.on("response", lambda answer: locations.append(answer.headers.get("location", "")))
    page.goto(world.link(client.client_id, redirect_uri))
    sign_in(page, world)

    page.get_by_role("button", name="Allow").click()
    page.wait_for_timeout(1000)

    assert any(location.startswith(f"{redirect_uri}?code=") for location in locations)
    assert seen == []


def test_forms_name_their_origin(page, world, client_app):
    """With `Referrer-Policy: no-referrer` the browser would send `Origin: null`."""
    client = factories.make_client(redirect_uris=client_app.redirect_uri)
    posts = []
    page.on("request", lambda sent: posts.append(sent) if sent.method == "POST" else None)
    page.goto(world.link(client.client_id, client_app.redirect_uri))
    sign_in(page, world)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    sent = [post.all_headers() for post in posts]

    assert [headers["origin"] for headers in sent] == [world.url, world.url]
    assert {headers["sec-fetch-site"] for headers in sent} == {"same-origin"}


def test_no_referrer_would_hide_the_origin(open_page, world):
    page = open_page()
    posts = []
    page.on("request", lambda sent: posts.append(sent) if sent.method == "POST" else None)
    answer_with_header(page, re.compile(r"/login$"), "referrer-policy", lambda _: "no-referrer")
    page.goto(f"{world.url}/login")

    sign_in(page, world, password="wrong")
    page.get_by_role("alert").wait_for()

    assert posts[0].all_headers()["origin"] == "null"


def test_the_client_learns_no_address_of_ours(page, world, client_app):
    """Addresses of these pages hold request ids; a referrer would hand them to the client."""
    client = factories.make_client(redirect_uris=client_app.redirect_uri)
    arrivals = []
    page.on(
        "request",
        lambda sent: arrivals.append(sent) if sent.url.startswith(client_app.url) else None,
    )
    page.goto(world.link(client.client_id, client_app.redirect_uri))
    sign_in(page, world)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert "referer" not in arrivals[0].all_headers()


def test_no_page_is_shown_in_a_frame(open_page, world, client_app):
    page = open_page()
    page.goto(f"{client_app.url}/")
    page.set_content(f'<iframe src="{world.url}/login"></iframe>')
    page.wait_for_timeout(500)

    frame = page.frames[1]

    assert frame.locator("input").count() == 0


def test_a_pop_up_still_speaks_to_its_opener(open_page, world, client_app):
    """Browser clients run the flow in a pop-up and wait for its callback page to report."""
    redirect_uri = f"{client_app.url}/popup"
    client = factories.make_client(redirect_uris=redirect_uri)
    opener = open_page()
    opener.goto(f"{client_app.url}/opener")
    with opener.expect_popup() as opened:
        opener.evaluate("link => { window.open(link) }", world.link(client.client_id, redirect_uri))
    popup = opened.value
    sign_in(popup, world)
    popup.get_by_role("button", name="Allow").click()

    opener.wait_for_function("document.title.startsWith('opener heard')")

    assert "code=" in opener.title()


def test_a_form_from_another_site_is_refused(open_page, world, client_app):
    page = open_page()
    page.goto(f"{world.url}/login")
    sign_in(page, world)
    page.goto(f"{client_app.url}/")
    page.set_content(
        f'<form method="post" action="{world.url}/logout"><button>Win a prize</button></form>'
    )

    page.get_by_role("button", name="Win a prize").click()
    page.wait_for_load_state()
    page.goto(f"{world.url}/account")

    assert page.get_by_role("heading", level=1).inner_text() == "Your account"
