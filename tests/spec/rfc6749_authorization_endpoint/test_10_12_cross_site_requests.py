"""Forms count only when our own page made them for this browser."""

from urllib.parse import urlencode

import pytest

from tests.support import factories
from tests.support.pages import form_with

RULE = ("RFC 6749", "10.12", "MUST",
        "sign-in and consent are protected against cross-site request forgery")  # fmt: skip
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def login_fields(client, user):
    page = client.http.get("/login")
    form = form_with(page.text, url=str(page.url), field_name="password")
    person = factories.person(user)
    return dict(form.submission(email=person.email, password=person.password))


def post_login(client, fields, **headers):
    return client.http.post("/login", content=urlencode(fields), headers=FORM | headers)


def is_signed_in(client):
    return client.http.get("/account").status_code == 200


@pytest.mark.spec(*RULE)
@pytest.mark.parametrize("token", ["", "x", None])
def test_sign_in_needs_the_token_of_its_page(client, user, token):
    fields = login_fields(client, user)
    fields["csrf_token"] = token
    sent = {name: value for name, value in fields.items() if value is not None}

    refused = post_login(client, sent)

    assert refused.status_code == 422
    assert "Invalid request. Please try again." in refused.text
    assert not is_signed_in(client)


@pytest.mark.spec(*RULE)
def test_sign_in_needs_the_browser_that_saw_the_page(client, user):
    """An attacker's own token, posted from the victim's browser, would sign the victim in as
    the attacker."""
    fields = login_fields(client, user)
    victim = client.sibling()

    assert post_login(victim, fields).status_code == 422
    assert not is_signed_in(victim)


@pytest.mark.spec(*RULE)
def test_a_nonce_that_we_did_not_make_is_no_nonce(client, user):
    fields = login_fields(client, user)
    client.http.cookies.clear()
    client.http.cookies.set("authserver_login_nonce", "planted|planted", domain="localhost.local")

    assert post_login(client, fields).status_code == 422


@pytest.mark.spec(*RULE)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:9000"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_sign_in_from_another_site_is_refused_even_with_a_good_token(client, user, headers):
    fields = login_fields(client, user)

    assert post_login(client, fields, **headers).status_code == 422
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost:9000"},
    ],
)
def test_sign_in_from_our_own_page_succeeds(client, user, headers):
    assert post_login(client, login_fields(client, user), **headers).status_code == 303
    assert is_signed_in(client)


@pytest.mark.spec(*RULE)
def test_sign_out_needs_the_token_of_its_session(client, user):
    client.sign_in(factories.person(user))

    assert client.http.post("/logout", content="", headers=FORM).status_code == 403
    assert client.http.get("/logout").status_code == 405
    assert is_signed_in(client)


@pytest.mark.spec(*RULE)
def test_consent_needs_the_token_of_its_session(client, user):
    client.sign_in(factories.person(user))
    page = client.http.get(client.start().headers["location"])
    form = form_with(page.text, url=str(page.url), field_name="session_id")
    fields = form.submission(button=("action", "allow"), csrf_token="x")

    assert client.post_form(form.action, fields, page=page).status_code == 403


@pytest.mark.spec(*RULE)
def test_a_token_ends_with_its_session(client, user):
    client.sign_in(factories.person(user))
    page = client.http.get(client.start().headers["location"])
    client.sign_in(factories.person(user))

    assert client.submit_consent(page).status_code == 403


@pytest.mark.spec("RFC 6749", "10.13", "SHOULD", "pages cannot be framed")
def test_no_page_can_be_framed(client, user):
    login = client.http.get("/login")
    client.sign_in(factories.person(user))
    consent = client.http.get(client.start().headers["location"])
    refused = client.start(client_id="unknown")

    for page in (login, consent, refused, client.http.get("/account")):
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-frame-options"] == "DENY"
