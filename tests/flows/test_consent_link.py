"""From a refused exchange over the link in it to the same exchange succeeding, with a browser."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from audit.models import AuditEvent
from tests.support.digests import nothing_changes
from tests.support.exchanging import make_delegation, row
from tests.support.factories import make_user, person
from tests.support.pages import form_with
from tests.support.scene import change_client


@pytest.fixture
def delegation(scene):
    return make_delegation(scene)


@pytest.fixture
def browser(delegation):
    """The user's browser: it knows nothing of the clients."""
    return delegation.agent.sibling(client_id="")


def link_of(answer):
    assert answer.status_code == 400, answer.text
    return path_of(answer.json()["consent_url"])


def path_of(url):
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def opened(browser, link, user=None):
    """The page behind the link, after signing in where that is asked for."""
    answer = browser.http.get(link, headers={"Accept": "text/html"})
    for _ in range(4):
        if answer.is_redirect:
            answer = browser.http.get(answer.headers["location"], headers={"Accept": "text/html"})
        elif 'name="password"' in answer.text and user is not None:
            answer = browser.submit_sign_in(answer, user)
        else:
            break
    return answer


def form_of(page):
    return form_with(page.text, url=str(page.url), field_name="request")


def answered(browser, page, action="allow", **ticked):
    form = form_of(page)
    return browser.post_form(
        form.action, form.submission(button=("action", action), **ticked), page=page
    )


def title_of(page):
    return page.text.partition("<h1>")[2].partition("</h1>")[0]


# --- The way it is meant -------------------------------------------------------------------------


def test_after_the_user_allows_it_the_same_exchange_succeeds(delegation, browser):
    token = delegation.subject_token()
    link = link_of(delegation.exchange(token, scope="read"))

    page = opened(browser, link, delegation.scene.person)
    assert page.status_code == 200, page.text
    assert row(delegation.agent).name in page.text
    assert delegation.back.display_name in page.text
    assert "Read your things." in page.text
    assert "Change your things." not in page.text
    done = answered(browser, page)

    assert (200, "Access is allowed") == (done.status_code, title_of(done))
    assert "read" == delegation.exchanged(token, scope="read")["scope"]
    event = AuditEvent.objects.filter(action="consent.granted").latest("id")
    assert (str(delegation.user.pk), delegation.agent.client_id) == (
        event.actor_id, event.client_id,
    )  # fmt: skip
    assert {"resource": delegation.back.uri, "scopes": "read"} == event.detail


def test_allowing_adds_to_what_was_allowed(delegation, browser):
    from oauth.models import ConsentGrant

    delegation.consent("read")
    token = delegation.subject_token()
    link = link_of(delegation.exchange(token, scope="read write"))

    page = opened(browser, link, delegation.scene.person)
    assert "Read your things." not in page.text
    answered(browser, page)

    assert "read write" == delegation.exchanged(token, scope="read write")["scope"]
    assert ["read", "write"] == ConsentGrant.objects.get(resource=delegation.back).scopes


def test_a_part_may_be_allowed(delegation, browser):
    token = delegation.subject_token()
    page = opened(browser, link_of(delegation.exchange(token)), delegation.scene.person)

    answered(browser, page, ticked={"write"})

    assert "write" == delegation.exchanged(token)["scope"]


def test_denying_changes_nothing_and_is_recorded(delegation, browser):
    from oauth.models import ConsentGrant

    token = delegation.subject_token()
    before = ConsentGrant.objects.count()
    page = opened(browser, link_of(delegation.exchange(token)), delegation.scene.person)

    done = answered(browser, page, action="deny")

    assert (200, "Access is not allowed") == (done.status_code, title_of(done))
    assert before == ConsentGrant.objects.count()
    assert "consent_required" == delegation.exchange(token).json()["error"]
    event = AuditEvent.objects.filter(action="consent.denied").latest("id")
    assert delegation.agent.client_id == event.client_id


def test_the_page_is_as_safe_as_the_consent_page(delegation, browser):
    page = opened(browser, link_of(delegation.exchange()), delegation.scene.person)

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert policy.endswith("form-action 'self'")
    assert ("no-store", "DENY", "same-origin") == (
        page.headers["cache-control"], page.headers["x-frame-options"],
        page.headers["referrer-policy"],
    )  # fmt: skip
    assert "<script" not in page.text


def test_where_it_is_allowed_already_the_page_says_so(delegation, browser):
    link = link_of(delegation.exchange())
    delegation.consent("read", "write")

    page = opened(browser, link, delegation.scene.person)

    assert "Access is allowed" == title_of(page)


# --- The link in other hands ---------------------------------------------------------------------


def test_another_user_is_refused_and_may_change_accounts(delegation, browser):
    token = delegation.subject_token()
    link = link_of(delegation.exchange(token))
    page = opened(browser, link, person(make_user()))

    assert (403, "This link is for another account") == (page.status_code, title_of(page))
    with nothing_changes():
        again = opened(browser, link)
        assert again.status_code == 403
    target = page.text.partition('class="button" href="')[2].partition('"')[0]
    here = opened(browser, target.replace("&amp;", "&"), delegation.scene.person)
    assert 'name="request"' in here.text


@pytest.mark.spec(
    "Plugged.in", "P26", "MUST", "a consent link is its user's, unaltered and short-lived"
)
def test_another_user_cannot_answer_either(delegation, browser):
    """The form of one user, sent with the session of another."""
    from oauth.models import ConsentGrant

    link = link_of(delegation.exchange())
    count = ConsentGrant.objects.count()
    mine = delegation.agent.sibling(client_id="")
    own = link_of(delegation.exchange())
    page = opened(mine, own, delegation.scene.person)
    thief = person(make_user())
    browser.sign_in(thief)
    account = browser.http.get("/account", headers={"Accept": "text/html"})
    csrf = form_with(account.text, url=str(account.url), field_name="csrf_token").value(
        "csrf_token"
    )
    form = form_of(page)

    answer = browser.post_form(
        form.action,
        form.submission(
            button=("action", "allow"),
            csrf_token=csrf,
            request=parse_qs(urlsplit(link).query)["request"][0],
        ),
        page=page,
    )

    assert (403, "This link is for another account") == (answer.status_code, title_of(answer))
    assert count == ConsentGrant.objects.count()


def altered(link, **members):
    value = parse_qs(urlsplit(link).query)["request"][0]
    body, _, proof = value.partition(".")
    asked = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))) | members
    body = base64.urlsafe_b64encode(json.dumps(asked).encode()).decode().rstrip("=")
    return f"/consent/grant?{urlencode({'request': f'{body}.{proof}'})}"


@pytest.mark.spec(
    "Plugged.in", "P26", "MUST", "a consent link is its user's, unaltered and short-lived"
)
@pytest.mark.parametrize(
    "members", [{"scope": "read write admin"}, {"resource": "other"}, {"exp": 9_999_999_999}, {}]
)
def test_an_altered_link_is_nobody_s(delegation, browser, members):
    link = altered(link_of(delegation.exchange()), **members)

    with nothing_changes():
        page = opened(browser, link)
        assert (400, "This link cannot be used") == (page.status_code, title_of(page))


@pytest.mark.parametrize(
    "link", ["", "?request=", "?request=x", "?request=e30.x", "?request=" + "x" * 9000]
)
def test_what_is_no_link_is_refused_before_anybody_signs_in(delegation, browser, link):
    page = opened(browser, f"/consent/grant{link}")

    assert (400, "This link cannot be used") == (page.status_code, title_of(page))


def test_the_link_does_not_say_who_is_meant(delegation):
    link = link_of(delegation.exchange())
    value = parse_qs(urlsplit(link).query)["request"][0].partition(".")[0]
    body = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()

    assert str(delegation.user.pk) not in body
    assert delegation.user.email not in body


# --- Late, twice, and after things have changed --------------------------------------------------


@pytest.mark.spec(
    "Plugged.in", "P26", "MUST", "a consent link is its user's, unaltered and short-lived"
)
def test_a_link_is_good_for_ten_minutes(delegation, browser, frozen_clock):
    link = link_of(delegation.exchange())
    page = opened(browser, link, delegation.scene.person)
    assert 'name="request"' in page.text

    frozen_clock.shift(600)

    late = opened(browser, link)
    assert (400, "This link has expired") == (late.status_code, title_of(late))
    with nothing_changes():
        answer = answered(browser, page)
        assert (400, "This link has expired") == (answer.status_code, title_of(answer))


@pytest.mark.parametrize(
    ("first", "second"), [("allow", "allow"), ("deny", "allow"), ("allow", "deny")]
)
def test_a_link_is_answered_once(delegation, browser, first, second):
    page = opened(browser, link_of(delegation.exchange()), delegation.scene.person)
    answered(browser, page, action=first)

    with nothing_changes():
        again = answered(browser, page, action=second)
    assert (400, "You have answered this already") == (again.status_code, title_of(again))


def test_an_old_link_brings_back_no_consent_that_was_taken_back(delegation, browser):
    from authplane.core import clock
    from oauth.consent.revocation import revoke_consent
    from oauth.models import ConsentGrant

    link = link_of(delegation.exchange())
    answered(browser, opened(browser, link, delegation.scene.person))
    consent = ConsentGrant.objects.get(resource=delegation.back)
    revoke_consent(consent_id=consent.pk, user=delegation.user, now=clock.now())

    page = opened(browser, link)
    with nothing_changes():
        again = answered(browser, page)
    assert (400, "You have answered this already") == (again.status_code, title_of(again))


def test_scopes_that_are_gone_are_not_asked_for(delegation, browser):
    link = link_of(delegation.exchange())
    delegation.back.scopes = [{"name": "write", "description": "Change your things."}]
    delegation.policy(delegation.back, **delegation.back.policy)

    page = opened(browser, link, delegation.scene.person)

    assert "Read your things." not in page.text
    answered(browser, page)
    from oauth.models import ConsentGrant

    assert ["write"] == ConsentGrant.objects.get(resource=delegation.back).scopes


def test_where_nothing_is_left_to_ask_nothing_is_asked(delegation, browser):
    link = link_of(delegation.exchange())
    page = opened(browser, link, delegation.scene.person)
    delegation.back.scopes = []
    delegation.policy(delegation.back, **delegation.back.policy)

    with nothing_changes():
        for late in (opened(browser, link), answered(browser, page)):
            assert (400, "This request cannot be continued") == (late.status_code, title_of(late))


def test_a_client_that_was_suspended_gets_nothing(delegation, browser):
    link = link_of(delegation.exchange())
    page = opened(browser, link, delegation.scene.person)
    change_client(delegation.agent, status="suspended")

    with nothing_changes():
        assert 403 == opened(browser, link).status_code
        assert 403 == answered(browser, page).status_code


def test_ticking_nothing_allows_nothing(delegation, browser):
    page = opened(browser, link_of(delegation.exchange()), delegation.scene.person)

    with nothing_changes():
        answer = answered(browser, page, ticked=set())
    assert (400, "Nothing is ticked") == (answer.status_code, title_of(answer))
    assert "Access is allowed" == title_of(answered(browser, page))


def test_ticking_what_was_not_asked_allows_nothing(delegation, browser):
    page = opened(browser, link_of(delegation.exchange(scope="read")), delegation.scene.person)
    form = form_of(page)
    pairs = [*form.submission(button=("action", "allow")), ("scopes", "write")]

    with nothing_changes():
        answer = browser.post_form(form.action, pairs, page=page)
    assert (400, "This link cannot be used") == (answer.status_code, title_of(answer))


@pytest.mark.parametrize("action", ["", "something"])
def test_a_button_that_does_not_exist_decides_nothing(delegation, browser, action):
    page = opened(browser, link_of(delegation.exchange()), delegation.scene.person)

    with nothing_changes():
        assert 400 == answered(browser, page, action=action).status_code


def test_a_post_without_our_form_decides_nothing(delegation, browser):
    page = opened(browser, link_of(delegation.exchange()), delegation.scene.person)
    form = form_of(page)
    pairs = form.submission(button=("action", "allow"), csrf_token="x" * 43)

    with nothing_changes():
        assert 403 == browser.post_form(form.action, pairs, page=page).status_code
    foreign = {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-www-form-urlencoded"}
    good = urlencode(form.submission(button=("action", "allow")))
    with nothing_changes():
        assert 403 == browser.http.post(form.action, content=good, headers=foreign).status_code


def test_after_signing_out_the_answer_does_not_count(delegation, browser):
    page = opened(browser, link_of(delegation.exchange()), delegation.scene.person)
    browser.http.cookies.clear()

    with nothing_changes():
        answer = answered(browser, page)
    assert (401, "You are signed out") == (answer.status_code, title_of(answer))


def test_other_methods_are_refused(delegation, browser):
    answer = browser.http.put("/consent/grant")

    assert (405, "GET, HEAD, POST") == (answer.status_code, answer.headers["allow"])


def test_the_key_s_predecessor_still_counts(delegation, browser, override_config):
    from authplane.core.config import config

    link = link_of(delegation.exchange())
    before = config().secrets.integrity
    override_config(secrets={"integrity": "k" * 43, "integrity_old": before})

    assert 'name="request"' in opened(browser, link, delegation.scene.person).text
