"""When the user is asked, and when the client would rather have an error."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import factories

DOCUMENT, SECTION = "OpenID Connect Core 1.0", "3.1.2.1"
NONE = (DOCUMENT, SECTION, "MUST", "prompt=none shows no page")
AGAIN = (DOCUMENT, SECTION, "SHOULD", "prompt=login asks for the password again")
AGE = (DOCUMENT, SECTION, "MUST", "max_age asks for the password when the sign-in is too old")
HTTPS = "https://app.example.com/callback"


@pytest.fixture
def user(db):
    return factories.make_user()


@pytest.fixture
def client(oauth):
    resource = factories.make_resource()
    row = factories.make_client(redirect_uris=HTTPS)
    return factories.driver_for(row, base=oauth, resource=resource.uri, redirect_uri=HTTPS)


def error(response):
    return parse_qs(urlsplit(response.headers["location"]).query)["error"][0]


def goes_to(response):
    return urlsplit(response.headers["location"]).path


def consent_remembered(client, user):
    client.authorize(factories.person(user), scope="read")


@pytest.mark.spec(*NONE)
def test_none_without_a_session_is_login_required(client):
    assert error(client.start(prompt="none")) == "login_required"


@pytest.mark.spec(*NONE)
def test_none_without_consent_is_consent_required(client, user):
    client.sign_in(factories.person(user))

    assert error(client.start(prompt="none")) == "consent_required"


@pytest.mark.spec(*NONE)
def test_none_with_an_old_sign_in_is_login_required(client, user, frozen_clock):
    consent_remembered(client, user)
    frozen_clock.shift(100)

    assert error(client.start(prompt="none", max_age="60", scope="read")) == "login_required"


@pytest.mark.spec(*NONE)
@pytest.mark.parametrize("prompt", ["none login", "none consent", "sudo", "none none login"])
def test_none_stands_alone_and_unknown_prompts_are_refused(client, prompt):
    assert error(client.start(prompt=prompt)) == "invalid_request"


def test_none_with_everything_in_place_is_a_code(client, user):
    consent_remembered(client, user)

    assert "code=" in client.start(prompt="none", scope="read").headers["location"]


@pytest.mark.spec(*AGAIN)
@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_login_asks_although_signed_in_and_only_once(client, user, frozen_clock, prompt):
    consent_remembered(client, user)
    frozen_clock.shift(30)

    login = client.start(prompt=prompt, scope="read")
    assert goes_to(login) == "/login"
    frozen_clock.shift(30)
    page = client.http.get(login.headers["location"])
    back = client.submit_sign_in(page, factories.person(user))

    assert "code=" in client.http.get(back.headers["location"]).headers["location"]


@pytest.mark.spec(*AGAIN)
def test_login_is_not_satisfied_by_going_around_the_page(client, user, frozen_clock):
    """The signed target is in the user's address bar; opening it is no proof of a sign-in."""
    consent_remembered(client, user)
    frozen_clock.shift(30)
    login = client.start(prompt="login", scope="read").headers["location"]
    target = parse_qs(urlsplit(login).query)["redirect"][0]

    assert goes_to(client.http.get(target)) == "/login"


@pytest.mark.spec(*AGAIN)
def test_a_ticket_serves_one_request_only(client, user, frozen_clock):
    consent_remembered(client, user)
    frozen_clock.shift(30)
    login = client.start(prompt="login", scope="read").headers["location"]
    target = parse_qs(urlsplit(login).query)["redirect"][0]
    ticket = target[target.index("&sign_in_ticket=") :]
    frozen_clock.shift(30)
    client.sign_in(factories.person(user))
    other, _, _ = client.authorization_request(prompt="login", scope="read")

    assert goes_to(client.http.get(other + ticket)) == "/login"


@pytest.mark.spec(DOCUMENT, SECTION, "SHOULD", "prompt=consent asks although consent stands")
def test_consent_asks_although_consent_stands(client, user):
    consent_remembered(client, user)

    assert goes_to(client.start(prompt="consent", scope="read")) == "/consent"


@pytest.mark.spec(*AGE)
@pytest.mark.parametrize(
    ("age", "max_age", "asked"),
    [(60, "60", False), (61, "60", True), (1, "0", True), (0, "0", False), (5000, "9999", False)],
)
def test_max_age_counts_from_the_sign_in(client, frozen_clock, age, max_age, asked):
    consent_remembered(client, factories.make_user())
    frozen_clock.shift(age)

    answer = client.start(max_age=max_age, scope="read")

    assert (goes_to(answer) == "/login") is asked


@pytest.mark.spec(*AGE)
@pytest.mark.parametrize("max_age", ["-1", "1.5", "x", "9" * 10])
def test_a_max_age_that_is_no_number_is_refused(client, max_age):
    assert error(client.start(max_age=max_age)) == "invalid_request"


def test_max_age_zero_is_satisfied_by_signing_in(client, user, frozen_clock):
    consent_remembered(client, user)
    frozen_clock.shift(10)
    login = client.http.get(client.start(max_age="0", scope="read").headers["location"])
    back = client.submit_sign_in(login, factories.person(user))
    frozen_clock.shift(5)

    assert "code=" in client.http.get(back.headers["location"]).headers["location"]


def test_login_hint_fills_in_the_address(client):
    page = client.http.get(client.start(login_hint='a"b@example.com').headers["location"])

    assert 'value="a&quot;b@example.com"' in page.text


def test_a_hint_that_was_not_part_of_a_valid_request_is_not_shown(client):
    page = client.http.get("/login?redirect=/oauth/authorize%3Flogin_hint%3Dme%40example.com")

    assert "me@example.com" not in page.text.replace('name="redirect"', "").split("<form")[0]
    assert 'name="email" type="email" value=""' in page.text
