"""A person signs in, is asked, and the client gets its code: the pages of the main job."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support import factories
from tests.support.oauth_client import DEFAULT_REDIRECT, FlowStopped
from tests.support.pages import form_with

HTTPS = "https://app.example.com/callback"


@pytest.fixture
def user(db):
    return factories.make_user(email="ada@example.com")


@pytest.fixture
def resource(db):
    return factories.make_resource(slug="notes", uri="https://notes.example.com/mcp")


@pytest.fixture
def native(oauth, resource):
    return factories.driver_for(
        factories.make_client(name="Native app"), base=oauth, resource=resource.uri
    )


@pytest.fixture
def web(oauth, resource):
    client = factories.make_client(name="Web app", redirect_uris=HTTPS)
    return factories.driver_for(client, base=oauth, resource=resource.uri, redirect_uri=HTTPS)


def consent_page(driver, user, **overrides):
    """The driver stands on the consent page, signed in."""
    driver.sign_in(factories.person(user))
    start = driver.start(**overrides)
    assert start.status_code == 303
    return driver.http.get(start.headers["location"])


def answer_of(response):
    return {name: values[0] for name, values in parse_qs(urlsplit(response).query).items()}


def test_sign_in_and_consent_lead_to_a_code(native, user):
    answer = native.authorize(factories.person(user))

    assert set(answer.parameters) == {"code", "iss", "state"}
    assert answer.parameters["state"] == answer.sent["state"]
    assert answer.parameters["iss"] == native.issuer


def test_an_anonymous_request_writes_no_row(native, user):
    from oauth.models import AuthorizationRequest

    response = native.start()

    assert response.status_code == 303
    assert response.headers["location"].startswith("/login?redirect=/oauth/authorize?")
    assert AuthorizationRequest.objects.count() == 0


def test_deny_goes_back_to_the_client_and_changes_nothing(native, user):
    from oauth.models import AuthorizationCode, ConsentGrant

    answer = native.authorize(factories.person(user), allow=False)

    assert answer.error == "access_denied"
    assert answer.parameters["iss"] == native.issuer
    assert answer.parameters["state"] == answer.sent["state"]
    assert (AuthorizationCode.objects.count(), ConsentGrant.objects.count()) == (0, 0)


def test_only_what_is_ticked_is_granted(native, user):
    from oauth.models import AuthorizationCode, ConsentGrant

    native.authorize(factories.person(user), scope="read write", ticked={"read"})

    assert AuthorizationCode.objects.get().scope == "read"
    assert ConsentGrant.objects.get().scopes == ["read"]


def test_consent_adds_to_what_was_allowed_before(native, user):
    from oauth.models import ConsentGrant

    native.authorize(factories.person(user), scope="read")
    native.authorize(factories.person(user), scope="write")

    assert ConsentGrant.objects.get().scopes == ["read", "write"]


def test_consent_after_a_revocation_starts_anew(native, user):
    from authplane.core import clock
    from oauth.models import ConsentGrant

    native.authorize(factories.person(user), scope="write")
    ConsentGrant.objects.update(revoked_at=clock.now())
    native.authorize(factories.person(user), scope="read")

    consent = ConsentGrant.objects.get()
    assert (consent.scopes, consent.revoked_at) == (["read"], None)


def test_nothing_ticked_is_no_way_to_allow(native, user):
    from oauth.models import AuthorizationCode

    page = consent_page(native, user)
    refused = native.submit_consent(page, ticked=set())

    assert refused.status_code == 400
    assert "Nothing is ticked" in refused.text
    assert AuthorizationCode.objects.count() == 0
    allowed = native.submit_consent(page)
    assert allowed.status_code == 303, "the request must still be open"


def test_a_scope_that_was_not_asked_for_cannot_be_slipped_in(native, user):
    from oauth.models import AuthorizationCode

    page = consent_page(native, user, scope="read")
    form = form_with(page.text, url=str(page.url), field_name="session_id")
    pairs = [*form.submission(button=("action", "allow")), ("scopes", "write")]

    assert native.post_form(form.action, pairs, page=page).status_code == 400
    assert AuthorizationCode.objects.count() == 0


def test_remembered_consent_skips_the_page_for_https(web, user):
    web.authorize(factories.person(user), scope="read")

    again = web.start(scope="read")

    assert again.status_code == 303
    assert again.headers["location"].startswith(f"{HTTPS}?code=")


def test_remembered_consent_does_not_cover_more(web, user):
    web.authorize(factories.person(user), scope="read")

    assert web.start(scope="read write").headers["location"].startswith("/consent?")


def test_loopback_sees_the_page_every_time_prefilled(native, user):
    native.authorize(factories.person(user), scope="read")

    page = consent_page(native, user, scope="read write")

    form = form_with(page.text, url=str(page.url), field_name="session_id")
    assert form.boxes == [("scopes", "read", True), ("scopes", "write", True)]
    assert page.text.count("allowed before") == 1
    assert "Did you start this on this computer?" in page.text


@pytest.mark.parametrize("reads", ["Claude", "a\u202eb", "<script>alert(1)</script>"])
def test_names_are_shown_as_text_with_their_mark(oauth, resource, user, reads):
    client = factories.make_client(name=reads)
    driver = factories.driver_for(client, base=oauth, resource=resource.uri)

    page = consent_page(driver, user)

    assert "Unverified" in page.text
    assert "<script" not in page.text
    assert "\u202e" not in page.text


def client_of_a_document(client_id, **fields):
    """A client as it is stored while its metadata document is fresh."""
    from datetime import timedelta

    from authplane.core import clock
    from oauth.models import FetchedDocument

    client = factories.make_client(client_id=client_id, registration_source="cimd", **fields)
    FetchedDocument.objects.create(
        client=client,
        kind=FetchedDocument.Kind.METADATA,
        fresh_until=clock.now() + timedelta(hours=1),
    )
    return client


def test_the_page_names_client_resource_scopes_and_destination(oauth, user, resource):
    client = client_of_a_document(
        "https://app.example.com/client.json",
        name="The app",
        redirect_uris="https://user.example.net/cb",
    )
    driver = factories.driver_for(
        client, base=oauth, resource=resource.uri, redirect_uri="https://user.example.net/cb"
    )

    page = consent_page(driver, user)

    for shown in (
        "The app", "Verified", "app.example.com", resource.display_name, resource.uri,
        "Read your things.", "user.example.net", user.email,
    ):  # fmt: skip
        assert shown in page.text, shown
    assert "Did you start this" not in page.text


def test_a_client_that_changed_is_asked_about_again(oauth, user, resource):
    """Name, redirect URIs and keys are what the user relied on."""
    from authplane.core import clock
    from oauth.clients.records import forget_what_was_shown

    client = client_of_a_document("https://app.example.com/client.json", redirect_uris=HTTPS)
    driver = factories.driver_for(
        client, base=oauth, resource=resource.uri, redirect_uri=HTTPS, scope="read"
    )
    driver.authorize(factories.person(user))
    assert "code=" in driver.start().headers["location"]

    forget_what_was_shown(client, now=clock.now())

    assert driver.start().headers["location"].startswith("/consent?")
    assert "error=consent_required" in driver.start(prompt="none").headers["location"]


def test_a_resource_without_scopes_is_asked_about_every_time(oauth, user):
    from oauth.models import AuthorizationCode

    resource = factories.make_resource(scopes=[])
    client = factories.make_client(redirect_uris=HTTPS)
    driver = factories.driver_for(client, base=oauth, resource=resource.uri, redirect_uri=HTTPS)
    page = consent_page(driver, user)
    assert "no finer permissions" in page.text
    assert driver.submit_consent(page).status_code == 303
    assert AuthorizationCode.objects.get().scope == ""

    assert driver.start().headers["location"].startswith("/consent?")


def test_private_schemes_are_shown_and_never_skipped(oauth, user, resource):
    redirect = "cursor://anysphere.cursor-retrieval/oauth/cb"
    client = factories.make_client(redirect_uris=redirect)
    driver = factories.driver_for(client, base=oauth, resource=resource.uri, redirect_uri=redirect)
    first = driver.authorize(factories.person(user))
    assert first.code

    page = consent_page(driver, user)

    assert "cursor://" in page.text
    assert "form-action 'self' cursor:" in page.headers["content-security-policy"]


def test_a_request_of_another_user_looks_like_none(native, oauth, user):
    page = consent_page(native, user)
    thief = factories.make_user()
    other = oauth.sibling(client_id=native.client_id)
    other.sign_in(factories.person(thief))

    shown = other.http.get(str(page.url))
    form = form_with(page.text, url=str(page.url), field_name="session_id")
    posted = other.post_form(form.action, form.submission(button=("action", "allow")), page=page)

    assert shown.status_code == 400
    assert "cannot be continued" in shown.text
    assert posted.status_code == 403, "the token belongs to the owner's session"


def test_the_owner_decides_even_with_a_stolen_form_token(native, oauth, user):
    """The thief's own token with the victim's request id: the request is not the thief's."""
    page = consent_page(native, user)
    victim = form_with(page.text, url=str(page.url), field_name="session_id")
    thief_driver = factories.driver_for(
        factories.make_client(), base=oauth, resource=native.resource
    )
    own_page = consent_page(thief_driver, factories.make_user())
    own = form_with(own_page.text, url=str(own_page.url), field_name="session_id")
    pairs = own.submission(button=("action", "allow"), session_id=victim.value("session_id"))

    assert thief_driver.post_form(own.action, pairs, page=own_page).status_code == 400


def test_a_double_click_on_allow_gives_one_code_that_works(native, user):
    """The browser shows the second answer only, so the second must be as good as the first."""
    from oauth.models import AuthorizationCode

    page = consent_page(native, user)
    first = native.submit_consent(page)
    second = native.submit_consent(page)

    codes = [answer_of(r.headers["location"])["code"] for r in (first, second)]
    assert codes[0] != codes[1]
    assert AuthorizationCode.objects.filter(revoked_at=None).count() == 1
    assert AuthorizationCode.objects.filter(revoked_at__isnull=False).count() == 1


def test_a_second_answer_after_the_code_was_used_is_refused(native, user):
    from authplane.core import clock
    from oauth.models import AuthorizationCode

    page = consent_page(native, user)
    native.submit_consent(page)
    AuthorizationCode.objects.update(consumed_at=clock.now())

    again = native.submit_consent(page)

    assert again.status_code == 400
    assert "answered this already" in again.text
    assert AuthorizationCode.objects.count() == 1


def test_the_first_answer_stands(native, user):
    page = consent_page(native, user)
    assert native.submit_consent(page, allow=False).status_code == 303

    allowed = native.submit_consent(page, allow=True)
    denied_again = native.submit_consent(page, allow=False)

    assert allowed.status_code == 400
    assert answer_of(denied_again.headers["location"])["error"] == "access_denied"


def test_allow_cannot_be_turned_into_a_refusal(native, user):
    page = consent_page(native, user)
    native.submit_consent(page)

    assert native.submit_consent(page, allow=False).status_code == 400


def test_the_back_button_finds_the_question_answered(native, user):
    page = consent_page(native, user)
    native.submit_consent(page)

    again = native.http.get(str(page.url))

    assert again.status_code == 400
    assert "answered this already" in again.text


def test_the_request_lapses_ten_minutes_after_it_began(native, user, frozen_clock):
    page = consent_page(native, user)
    frozen_clock.shift(601)

    assert native.submit_consent(page).status_code == 400
    assert native.http.get(str(page.url)).status_code == 400


def test_the_request_is_open_until_the_last_second(native, user, frozen_clock):
    page = consent_page(native, user)
    frozen_clock.shift(599)

    assert native.submit_consent(page).status_code == 303


def test_a_sign_in_page_left_open_leads_nowhere(native, user, frozen_clock):
    login = native.http.get(native.start().headers["location"])
    frozen_clock.shift(601)
    back = native.submit_sign_in(login, factories.person(user))

    page = native.http.get(back.headers["location"])

    assert page.status_code == 400
    assert "took too long" in page.text


def test_signing_in_uses_up_time_for_the_consent(native, user, frozen_clock):
    login = native.http.get(native.start().headers["location"])
    frozen_clock.shift(400)
    back = native.submit_sign_in(login, factories.person(user))
    page = native.http.get(native.http.get(back.headers["location"]).headers["location"])
    assert page.status_code == 200
    frozen_clock.shift(201)

    assert native.submit_consent(page).status_code == 400


def test_a_client_suspended_while_the_user_reads_gets_nothing(native, user):
    from oauth.models import AuthorizationCode, Client

    page = consent_page(native, user)
    Client.objects.filter(client_id=native.client_id).update(status="suspended")

    assert native.submit_consent(page).status_code == 403
    assert native.http.get(str(page.url)).status_code == 403
    assert AuthorizationCode.objects.count() == 0


def test_a_redirect_uri_given_up_while_the_user_reads_is_not_used(native, user):
    from oauth.models import Client

    page = consent_page(native, user)
    Client.objects.filter(client_id=native.client_id).update(redirect_uris=HTTPS)

    assert native.submit_consent(page).status_code == 400


def test_a_user_disabled_while_reading_decides_nothing(native, user):
    page = consent_page(native, user)
    type(user).objects.update(status="disabled")

    assert native.submit_consent(page).status_code == 401


def test_switching_accounts_starts_the_same_request_again(native, user):
    second = factories.make_user()
    page = consent_page(native, user, scope="read")
    login_path = page.text.split("Use another account")[0].rsplit('href="', 1)[1].split('"')[0]

    login = native.http.get(login_path.replace("&amp;", "&"))
    back = native.submit_sign_in(login, factories.person(second))
    page = native.http.get(native.http.get(back.headers["location"]).headers["location"])

    assert second.email in page.text
    answer = answer_of(native.submit_consent(page).headers["location"])
    assert answer["state"]


@pytest.mark.parametrize("session_id", ["", "short", "a" * 43, "%00" * 43, "ü" * 43])
def test_a_request_id_that_is_none_is_a_page(native, user, session_id):
    native.sign_in(factories.person(user))

    assert native.http.get(f"/consent?session_id={session_id}").status_code == 400


def test_consent_without_sign_in_comes_back_to_it(native):
    answer = native.http.get(f"/consent?session_id={'a' * 43}")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?redirect=%2Fconsent%3Fsession_id%3D")


def test_a_post_without_sign_in_is_a_page(native):
    answer = native.http.post("/consent", data={"session_id": "a" * 43, "action": "allow"})

    assert answer.status_code == 401
    assert "signed out" in answer.text


def test_every_answer_of_the_flow_is_kept_by_nobody(native, user):
    login = native.http.get(native.start().headers["location"])
    back = native.submit_sign_in(login, factories.person(user))
    to_consent = native.http.get(back.headers["location"])
    page = native.http.get(to_consent.headers["location"])
    final = native.submit_consent(page)

    for answer in (login, back, to_consent, page, final):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "unsafe-none"
    assert [back.status_code, to_consent.status_code, final.status_code] == [303, 303, 303]
    for shown in (login, page):
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert policy.endswith(f"form-action 'self' {DEFAULT_REDIRECT.rpartition('/')[0]}")


def test_the_flow_works_at_the_root_alias(native, user):
    path, sent, _ = native.authorization_request()
    start = native.http.get(path.replace("/oauth/authorize", "/authorize"))

    assert start.headers["location"].startswith("/login?redirect=/authorize?")
    login = native.http.get(start.headers["location"])
    back = native.submit_sign_in(login, factories.person(user))
    page = native.http.get(native.http.get(back.headers["location"]).headers["location"])
    assert answer_of(native.submit_consent(page).headers["location"])["state"] == sent["state"]


def test_unescaped_characters_survive_the_way_through_sign_in(native, user):
    """A client may leave `:` and `/` unescaped in its query; a local path may not hold `://`."""
    path, sent, _ = native.authorization_request(state='it\'s <odd> "état"')
    raw = path.replace("%3A", ":").replace("%2F", "/")
    login = native.http.get(native.http.get(raw).headers["location"])
    back = native.submit_sign_in(login, factories.person(user))
    page = native.http.get(native.http.get(back.headers["location"]).headers["location"])

    answer = answer_of(native.submit_consent(page).headers["location"])

    assert answer["state"] == sent["state"]
    assert answer["code"]


def test_wrong_password_keeps_the_request_waiting(native, user):
    wrong = factories.person(user, password="wrong")
    login = native.http.get(native.start().headers["location"])

    refused = native.submit_sign_in(login, wrong)
    assert refused.status_code == 422
    back = native.submit_sign_in(refused, factories.person(user))

    assert native.http.get(back.headers["location"]).headers["location"].startswith("/consent?")


def test_unknown_paths_of_the_flow_are_refused_with_a_page(native, user):
    with pytest.raises(FlowStopped) as stopped:
        native.authorize(factories.person(user), client_id="unknown")

    assert stopped.value.response.status_code == 400
    assert "not known here" in stopped.value.response.text


def test_the_post_needs_the_page_of_this_session(native, user):
    page = consent_page(native, user)
    form = form_with(page.text, url=str(page.url), field_name="session_id")
    pairs = dict(form.submission(button=("action", "allow")))

    for broken in (
        {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": pairs["csrf_token"][:-1] + "!"},
    ):  # fmt: skip
        answer = native.post_form(form.action, [*(pairs | broken).items()], page=page)
        assert answer.status_code == 403
    crossed = native.http.post(
        "/consent", content=urlencode(pairs),
        headers={
            "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site",
        },
    )  # fmt: skip
    assert crossed.status_code == 403
