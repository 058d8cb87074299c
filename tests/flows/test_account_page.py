"""What a signed-in person sees and can take back."""

import pytest

from tests.support import factories
from tests.support.pages import form_with


@pytest.fixture
def user(db):
    return factories.make_user()


@pytest.fixture
def client(oauth):
    resource = factories.make_resource(display_name="Team notes")
    row = factories.make_client(name="Notes app")
    return factories.driver_for(row, base=oauth, resource=resource.uri)


def remove(driver, page):
    form = form_with(page.text, url=str(page.url), field_name="consent")
    return driver.post_form(form.action, form.submission(), page=page)


def test_a_stranger_is_sent_to_sign_in(client):
    assert client.http.get("/account").headers["location"] == "/login?redirect=/account"
    assert client.http.get("/").headers["location"] == "/account"


def test_the_page_lists_what_was_allowed(client, user):
    client.authorize(factories.person(user), scope="read write", ticked={"read"})

    page = client.http.get("/account")

    assert "Notes app" in page.text
    assert "Team notes" in page.text
    assert "write" not in page.text


def test_access_can_be_taken_back(client, user):
    from oauth.models import ConsentGrant

    client.authorize(factories.person(user))
    page = client.http.get("/account")

    answer = remove(client, page)

    assert (answer.status_code, answer.headers["location"]) == (303, "/account?removed=1")
    after = client.http.get("/account?removed=1")
    assert "Access was removed." in after.text
    assert "Notes app" not in after.text
    assert ConsentGrant.objects.get().revoked_at is not None


def test_a_code_issued_before_cannot_be_redeemed_after(client, user):
    issued = client.authorize(factories.person(user))
    remove(client, client.http.get("/account"))

    answer = client.redeem(issued)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_tokens_end_with_the_access(client, user):
    tokens = client.tokens(factories.person(user))
    remove(client, client.http.get("/account"))

    answer = client.refresh(tokens["refresh_token"])

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_the_consent_of_somebody_else_cannot_be_taken_back(client, oauth, user):
    from oauth.models import ConsentGrant

    client.authorize(factories.person(user))
    victim = ConsentGrant.objects.get()
    attacker = oauth.sibling(client_id=client.client_id, resource=client.resource)
    attacker.authorize(factories.person(factories.make_user()))
    page = attacker.http.get("/account")
    form = form_with(page.text, url=str(page.url), field_name="consent")

    answer = attacker.post_form(form.action, form.submission(consent=str(victim.pk)), page=page)

    assert answer.headers["location"] == "/account"
    victim.refresh_from_db()
    assert victim.revoked_at is None


@pytest.mark.parametrize("consent", ["", "x", "%00", "0190f1b0-0000-7000-8000-000000000000"])
def test_an_id_that_is_none_changes_nothing(client, user, consent):
    client.authorize(factories.person(user))
    page = client.http.get("/account")
    form = form_with(page.text, url=str(page.url), field_name="consent")

    answer = client.post_form(form.action, form.submission(consent=consent), page=page)

    assert answer.status_code in {303, 403}
    assert "Notes app" in client.http.get("/account").text


def test_removing_needs_the_token_of_this_session(client, user):
    client.authorize(factories.person(user))
    page = client.http.get("/account")
    form = form_with(page.text, url=str(page.url), field_name="consent")

    answer = client.post_form(form.action, form.submission(csrf_token="x"), page=page)

    assert answer.status_code == 403
    assert "Notes app" in client.http.get("/account").text
