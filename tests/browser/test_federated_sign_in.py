"""A person signs in at an identity provider, in a browser that runs no script."""

from __future__ import annotations

import pytest

from tests.browser.conftest import keep_picture
from tests.support import factories
from tests.support.openid import register, running_openid


@pytest.fixture
def idp(override_config):
    override_config(broker={"allowed_private_hosts": ("127.0.0.1",)})
    with running_openid() as running:
        yield running


@pytest.fixture
def two(world, idp):
    register(idp, display_name="Acme")
    register(idp, slug="globex", display_name="Globex Corporation")


def test_from_an_application_to_the_provider_and_back(page, world, two, client_app):
    """No policy of a page stands in the way, and the request goes on where it waited."""
    client = factories.make_client(redirect_uris=client_app.redirect_uri)
    page.goto(world.link(client.client_id, client_app.redirect_uri))
    keep_picture(page, "sign-in-two-providers")
    page.get_by_role("link", name="Continue with Acme").click()
    page.get_by_role("link", name="Sign in as Ann").click()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Back at the application").wait_for()
    assert client_app.answer["code"]

    page.goto(f"{world.url}/account")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("status").wait_for()
    keep_picture(page, "sign-in-signed-out")
    page.get_by_role("link", name="sign out there as well").click()
    page.get_by_role("heading", name="Signed out of Acme").wait_for()


def test_without_passwords(page, world, two, override_config):
    override_config(oidc={"show_local_login": False})
    page.goto(f"{world.url}/login")
    keep_picture(page, "sign-in-without-passwords")

    assert page.get_by_label("Password").count() == 0
    page.get_by_role("link", name="Continue with Globex Corporation").click()
    page.get_by_role("link", name="Sign in as Ann").click()
    page.get_by_role("heading", name="Your account").wait_for()


def test_an_address_that_is_somebody_elses(page, world, two):
    factories.make_user(email="ann@example.com")
    page.goto(f"{world.url}/login")
    page.get_by_role("link", name="Continue with Acme").click()
    page.get_by_role("link", name="Sign in as Ann").click()
    page.get_by_role("heading", name="There is an account").wait_for()
    keep_picture(page, "sign-in-address-taken")
