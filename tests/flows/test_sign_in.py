"""Signing in and out without an application: every answer of the two pages."""

import statistics
import time
from urllib.parse import urlencode

import pytest

from tests.support import factories
from tests.support.oauth_client import User
from tests.support.pages import form_with

WRONG = "Invalid email or password"
UNREADABLE = "Invalid request. Please try again."
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def user(db):
    return factories.make_user(email="ada@example.com")


def session_cookie(driver):
    return driver.http.cookies.get("authserver_session")


def is_signed_in(driver):
    return driver.http.get("/account").status_code == 200


def sign_out(driver):
    page = driver.http.get("/account")
    form = next(
        form_with(part, url=str(page.url), field_name="csrf_token")
        for part in ["<form" + page.text.rsplit("<form", 1)[1]]
    )
    assert form.action.endswith("/logout")
    return driver.post_form(form.action, form.submission(), page=page)


def test_signing_in_leads_home_and_shows_the_account(oauth, user):
    answer = oauth.sign_in(factories.person(user))

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = oauth.http.get("/account")
    assert "ada@example.com" in page.text


@pytest.mark.parametrize("typed", ["ada@example.com", "ADA@Example.COM", " ada@example.com "])
def test_the_address_is_read_in_any_case(oauth, user, typed):
    assert oauth.sign_in(User(typed, factories.PASSWORD)).status_code == 303


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "wrong"),
        ("ada@example.com", ""),
        ("nobody@example.com", factories.PASSWORD),
        ("", factories.PASSWORD),
        ("a" * 250 + "@example.com", factories.PASSWORD),
        ("ada@example.com\x00", factories.PASSWORD),
        ("ada", factories.PASSWORD),
    ],
)
def test_wrong_credentials_get_the_same_page(oauth, user, email, password):
    answer = oauth.sign_in(User(email, password))

    assert answer.status_code == 422
    assert (UNREADABLE if "\x00" in email else WRONG) in answer.text
    assert 'role="alert"' in answer.text
    assert not is_signed_in(oauth)


def test_a_disabled_account_looks_like_a_wrong_password(oauth):
    user = factories.make_user(status="disabled")

    assert WRONG in oauth.sign_in(factories.person(user)).text


def test_an_account_that_signs_in_elsewhere_has_no_password_here(oauth):
    user = factories.make_user(provider="okta", provider_sub="1")

    assert WRONG in oauth.sign_in(factories.person(user)).text


def test_an_account_without_usable_password_cannot_sign_in(oauth, user):
    user.set_unusable_password()
    user.save()

    assert WRONG in oauth.sign_in(factories.person(user)).text


@pytest.mark.parametrize(
    ("target", "lands"),
    [
        ("/account", "/account"),
        ("/connections?x=1&y=2", "/connections?x=1&y=2"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("\t//evil.example/", "/"),
        ("/x?u=https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
@pytest.mark.parametrize("name", ["redirect", "next"])
def test_the_way_back_is_a_path_of_ours(oauth, user, name, target, lands):
    page = oauth.http.get("/login", params={name: target})

    answer = oauth.submit_sign_in(page, factories.person(user))

    assert (answer.status_code, answer.headers["location"]) == (303, lands)


def test_a_tampered_redirect_field_is_checked_again(oauth, user):
    page = oauth.http.get("/login")
    form = form_with(page.text, url=str(page.url), field_name="password")
    person = factories.person(user)
    fields = form.submission(
        email=person.email, password=person.password, redirect="https://evil.example/"
    )

    answer = oauth.post_form(form.action, fields, page=page)

    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"email=%FF", "application/x-www-form-urlencoded"),
        (b'{"email": "a"}', "application/json"),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (b"email=a&email=b&csrf_token=x", "application/x-www-form-urlencoded"),
    ],
)
def test_a_form_that_is_none_of_ours_is_shown_again(oauth, content, media_type):
    answer = oauth.http.post("/login", content=content, headers={"Content-Type": media_type})

    assert answer.status_code == 422
    assert UNREADABLE in answer.text


def test_a_form_beyond_64_kib_is_refused(oauth):
    answer = oauth.http.post("/login", content=b"email=" + b"a" * 65_536, headers=FORM)

    assert answer.status_code == 413


def test_a_session_id_planted_before_sign_in_is_worthless(oauth, user):
    oauth.http.cookies.set("authserver_session", "planted" * 5, domain="localhost.local")
    oauth.sign_in(factories.person(user))

    assert session_cookie(oauth) not in {None, "planted" * 5}


def test_signing_in_again_ends_the_session_before(oauth, user):
    oauth.sign_in(factories.person(user))
    first = session_cookie(oauth)
    oauth.sign_in(factories.person(user))
    thief = oauth.sibling()
    thief.http.cookies.set("authserver_session", first, domain="localhost.local")

    assert session_cookie(oauth) != first
    assert not is_signed_in(thief)


def test_signing_out_ends_the_session_on_the_server(oauth, user):
    oauth.sign_in(factories.person(user))
    thief = oauth.sibling()
    thief.http.cookies.set("authserver_session", session_cookie(oauth), domain="localhost.local")
    assert is_signed_in(thief)

    answer = sign_out(oauth)

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert not is_signed_in(oauth)
    assert not is_signed_in(thief)
    assert "You are signed out." in oauth.http.get("/login").text
    assert "You are signed out." not in oauth.http.get("/login").text


def test_signing_out_without_a_session_is_no_fault(oauth, db):
    answer = oauth.http.post("/logout", content="", headers=FORM)

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_a_session_ends_a_day_after_sign_in_however_much_it_is_used(oauth, user, frozen_clock):
    oauth.sign_in(factories.person(user))
    for _ in range(3):
        frozen_clock.shift(8 * 3600 - 1)
        assert is_signed_in(oauth)
    frozen_clock.shift(4)

    assert not is_signed_in(oauth)


def test_a_disabled_user_is_signed_out_at_once(oauth, user):
    oauth.sign_in(factories.person(user))
    type(user).objects.update(status="disabled")

    assert not is_signed_in(oauth)


def test_a_new_password_ends_the_sessions_of_the_old_one(oauth, user):
    oauth.sign_in(factories.person(user))
    user.set_password("another long passphrase")
    user.save()

    assert not is_signed_in(oauth)


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(oauth, user):
    page = oauth.http.get("/login")
    answer = oauth.submit_sign_in(page, factories.person(user))

    nonce = page.headers["set-cookie"].strip()
    session = [cookie.strip() for cookie in answer.headers.get_list("set-cookie")]
    assert {cookie.partition("=")[0] for cookie in session} == {"authserver_session"}
    assert nonce.startswith("authserver_login_nonce=")
    assert "Max-Age=43200" in nonce
    kept = [cookie for cookie in session if cookie.startswith("authserver_session=")]
    for cookie in (nonce, *kept):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/;" in f"{cookie};"
    assert len(kept) == 1


def test_several_tabs_share_one_nonce(oauth, user):
    first, second = oauth.http.get("/login"), oauth.http.get("/login")

    assert first.text == second.text
    for page in (first, second):
        assert oauth.submit_sign_in(page, factories.person(user)).status_code == 303


def test_the_page_says_who_is_signed_in_already(oauth, user):
    oauth.sign_in(factories.person(user))

    assert "You are signed in as ada@example.com" in oauth.http.get("/login").text


def test_the_eleventh_attempt_is_locked_with_the_time_that_is_left(oauth, user, frozen_clock):
    wrong = User("ada@example.com", "wrong")
    assert [oauth.sign_in(wrong).status_code for _ in range(10)] == [422] * 10

    locked = oauth.sign_in(factories.person(user))
    frozen_clock.shift(300)
    later = oauth.sign_in(factories.person(user))

    assert (locked.status_code, later.status_code) == (429, 429)
    assert 899 <= int(locked.headers["retry-after"]) <= 901
    assert 599 <= int(later.headers["retry-after"]) <= 601
    assert "Too many failed attempts. Try again in 1" in locked.text
    assert not is_signed_in(oauth)
    frozen_clock.shift(602)
    assert oauth.sign_in(factories.person(user)).status_code == 303


def test_the_lock_says_nothing_about_the_account(oauth, user):
    for email in ("ada@example.com", "nobody@example.com"):
        answers = [oauth.sign_in(User(email, "wrong")).status_code for _ in range(11)]
        assert answers == [422] * 10 + [429]


def test_the_lock_holds_for_one_account_from_one_address(oauth, user):
    other = factories.make_user()
    for _ in range(10):
        oauth.sign_in(User("ada@example.com", "wrong"))

    assert oauth.sign_in(factories.person(other)).status_code == 303
    elsewhere = oauth.sibling()
    elsewhere.http = oauth.http.__class__(
        transport=type(oauth.http._transport)(
            app=oauth.http._transport.app, remote_addr="192.0.2.7"
        ),
        base_url=oauth.issuer,
    )
    assert elsewhere.sign_in(factories.person(user)).status_code == 303


def test_signing_in_clears_the_count(oauth, user):
    for _ in range(9):
        oauth.sign_in(User("ada@example.com", "wrong"))
    oauth.sign_in(factories.person(user))
    for _ in range(9):
        assert oauth.sign_in(User("ada@example.com", "wrong")).status_code == 422

    assert oauth.sign_in(factories.person(user)).status_code == 303


def test_unreadable_forms_do_not_count(oauth, user):
    for _ in range(12):
        oauth.http.post("/login", content=urlencode({"email": "ada@example.com"}), headers=FORM)

    assert oauth.sign_in(factories.person(user)).status_code == 303


def test_lockout_can_be_turned_off(oauth, user, override_config):
    override_config(rate_limit={"auth_fail_max": 0})

    answers = {oauth.sign_in(User("ada@example.com", "wrong")).status_code for _ in range(12)}

    assert answers == {422}


def test_the_lock_holds_while_the_limiter_is_off(oauth, user, override_config):
    override_config(rate_limit={"enabled": False})

    answers = [oauth.sign_in(User("ada@example.com", "wrong")).status_code for _ in range(11)]

    assert answers[-1] == 429


def test_a_spelling_of_the_address_is_no_way_around_the_lock(oauth, user):
    for number in range(10):
        spelled = "ada@example.com" if number % 2 else "ADA@example.com "
        oauth.sign_in(User(spelled, "wrong"))

    assert oauth.sign_in(factories.person(user)).status_code == 429


@pytest.mark.slow
def test_an_unknown_account_takes_as_long_as_a_known_one(oauth, user, settings):
    """With the real hasher: skipping it for unknown accounts would show in the time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    user.set_password(factories.PASSWORD)
    user.save()

    def median(email):
        taken = []
        for number in range(7):
            started = time.perf_counter()
            oauth.sign_in(User(email.format(number), "wrong"))
            taken.append(time.perf_counter() - started)
        return statistics.median(taken)

    known, unknown = median("ada@example.com"), median("nobody{}@example.com")

    assert 0.5 < known / unknown < 2
