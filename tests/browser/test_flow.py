"""A person with a browser and no script: signs in, denies, allows."""

from __future__ import annotations

from authplane.accounts.models import User
from broker.models import Project
from tests.browser.conftest import keep_picture, sign_in
from tests.support import factories
from tests.support.oauth_client import OAuthClient
from tests.support.pushed import link, pushed


def native_client(client_app):
    return factories.make_client(name="Desktop app", redirect_uris=client_app.redirect_uri)


def to_consent(page, world, client, redirect_uri, **parameters):
    page.goto(world.link(client.client_id, redirect_uri, **parameters))
    sign_in(page, world)
    page.get_by_role("heading", name="Allow").wait_for()


def test_allow(page, world, client_app):
    client = native_client(client_app)

    to_consent(page, world, client, client_app.redirect_uri)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert set(client_app.answer) == {"code", "iss", "state"}
    assert (client_app.answer["iss"], client_app.answer["state"]) == (world.url, "the state")


def test_deny(page, world, client_app):
    client = native_client(client_app)

    to_consent(page, world, client, client_app.redirect_uri)
    page.get_by_role("button", name="Deny").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert client_app.answer["error"] == "access_denied"
    assert client_app.answer["iss"] == world.url


def test_a_wrong_password_can_be_corrected(page, world, client_app):
    client = native_client(client_app)
    page.goto(world.link(client.client_id, client_app.redirect_uri))

    sign_in(page, world, password="wrong")
    assert page.get_by_role("alert").inner_text() == "Invalid email or password"
    assert page.get_by_label("E-mail address").input_value() == world.email
    sign_in(page, world)

    page.get_by_role("heading", name="Allow").wait_for()


def test_unticking_narrows(page, world, client_app):
    from oauth.models import AuthorizationCode

    client = native_client(client_app)
    to_consent(page, world, client, client_app.redirect_uri)

    page.get_by_label("Create, change and delete your notes.").uncheck()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert AuthorizationCode.objects.get().scope == "read"


def test_projects_are_chosen(page, world, client_app):
    from oauth.models import AuthorizationCode, Resource
    from oauth.resources import selectors

    ada = User.objects.get(email=world.email)
    Project.objects.create(user=ada, name="Home", is_default=True)
    work = Project.objects.create(user=ada, name="Work")
    Resource.objects.update(policy={"consent": {"projects": True}})
    selectors._directories.forget()
    client = native_client(client_app)

    to_consent(page, world, client, client_app.redirect_uri)
    page.get_by_label("Home").uncheck()
    page.get_by_label("Work").check()
    keep_picture(page, "consent-projects")
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert [str(work.pk)] == AuthorizationCode.objects.get().projects


def test_a_double_click_leaves_the_client_with_a_code_that_works(page, world, client_app):
    from authplane.core.hashing import sha256_hex
    from oauth.models import AuthorizationCode

    client = native_client(client_app)
    to_consent(page, world, client, client_app.redirect_uri)

    page.get_by_role("button", name="Allow").dblclick()
    page.get_by_role("heading", name="Back at the application").wait_for()

    code = AuthorizationCode.objects.get(code=sha256_hex(client_app.answer["code"]))
    assert code.revoked_at is None
    assert AuthorizationCode.objects.filter(revoked_at=None).count() == 1


def test_a_double_click_on_sign_in_signs_in(page, world):
    page.goto(f"{world.url}/login")
    page.get_by_label("E-mail address").fill(world.email)
    page.get_by_label("Password").fill(world.password)

    page.get_by_role("button", name="Sign in").dblclick()

    page.get_by_role("heading", name="Your account").wait_for()


def test_going_back_shows_that_the_question_is_answered(page, world, client_app):
    client = native_client(client_app)
    to_consent(page, world, client, client_app.redirect_uri)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    page.go_back()

    page.get_by_role("heading", name="You have answered this already").wait_for()
    keep_picture(page, "already-answered")


def test_an_unknown_client_is_a_page(page, world):
    page.goto(world.link("unknown", "https://evil.example/"))

    assert page.get_by_role("heading", level=1).inner_text() == (
        "This application is not known here"
    )


def test_signing_out(page, world):
    page.goto(f"{world.url}/login")
    sign_in(page, world)
    page.get_by_role("button", name="Sign out").click()

    assert page.get_by_role("status").inner_text() == "You are signed out."
    page.goto(f"{world.url}/account")
    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"


def test_taking_access_back(page, world, client_app):
    client = native_client(client_app)
    to_consent(page, world, client, client_app.redirect_uri)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    page.goto(f"{world.url}/account")
    page.get_by_role("button", name="Remove access of Desktop app to Team Notes").click()

    assert page.get_by_role("status").inner_text() == "Access was removed."


def test_another_account_can_answer(page, world, client_app):
    other = factories.make_user(email="grace@example.com")
    client = native_client(client_app)
    to_consent(page, world, client, client_app.redirect_uri)

    page.get_by_role("link", name="Use another account").click()
    page.get_by_label("E-mail address").fill(other.email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_text("Signed in as grace@example.com").wait_for()


def test_a_pushed_request(page, world, client_app):
    client = native_client(client_app)
    pushing = OAuthClient.at(
        world.url, client_id=client.client_id, redirect_uri=client_app.redirect_uri,
        resource=world.resource, scope="read write",
    )  # fmt: skip

    page.goto(f"{world.url}{link(pushing, pushed(pushing, state='the state'))}")
    sign_in(page, world)
    page.get_by_role("heading", name="Allow").wait_for()
    page.reload()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()

    assert set(client_app.answer) == {"code", "iss", "state"}
    assert client_app.answer["state"] == "the state"


def test_a_pushed_request_with_remembered_consent(page, world, https_app):
    client = factories.make_client(redirect_uris=https_app.redirect_uri)
    pushing = OAuthClient.at(
        world.url, client_id=client.client_id, redirect_uri=https_app.redirect_uri,
        resource=world.resource, scope="read",
    )  # fmt: skip
    page.goto(f"{world.url}{link(pushing, pushed(pushing))}")
    sign_in(page, world)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()
    page.context.clear_cookies()

    used = link(pushing, pushed(pushing))
    page.goto(f"{world.url}{used}")
    sign_in(page, world)
    page.get_by_role("heading", name="Back at the application").wait_for()
    page.goto(f"{world.url}{used}")

    page.get_by_role("heading", name="This link has been used or has lapsed").wait_for()
    assert len(https_app.received) == 2
