"""The main tasks of operators in a browser: as somebody does them who was never told how."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from django.core.management import call_command

from authplane.accounts.models import User
from authplane.core import clock
from broker.models import Connection
from broker.providers import services as providers
from oauth.models import Client, ConsentGrant, Resource, SigningKey, TokenFamily, XAAPolicy
from oauth.registration import approval, approval_rules
from tests.browser import looks
from tests.browser.conftest import keep_picture
from tests.browser.test_console import OPERATOR, enter
from tests.support import factories


@pytest.fixture
def operator(world):
    return User.objects.create_superuser(email=OPERATOR, password=factories.PASSWORD)


@pytest.fixture
def ada(world):
    """A user who uses something, and what there is beside."""
    user, now = User.objects.get(email=world.email), clock.now()
    client = factories.make_client(name="Planning assistant", is_agent=True, scope="read write")
    resource = Resource.objects.get(slug="notes")
    ConsentGrant.objects.create(user=user, client=client, resource=resource, scopes=["read"])
    TokenFamily.objects.create(
        client=client, user=user, resource=resource.uri, auth_time=now, scope="read",
        expires_at=now + timedelta(days=9),
    )  # fmt: skip
    maps = providers.create_provider(
        {"slug": "maps", "display_name": "Maps", "protocol": "api_key",
         "config_data": {"header_name": "X-Key"}}
    )  # fmt: skip
    Connection.objects.create(user=user, provider=maps, status="active", connected_at=now)
    approval_rules.change_rules({"dcr": 2})
    approval.begin_if_pending(
        factories.make_client(name="New arrival", status="pending", registration_source="dcr")
    )
    call_command("rotate_keys", "--immediate", verbosity=0)
    return user


def start(open_page, world, look=looks.CONSOLE[0]):
    page = open_page(**look.context)
    enter(page, world)
    return page


def test_a_client_is_created_and_gets_a_token(open_page, world, operator):
    page = start(open_page, world)
    page.get_by_role("link", name="Clients", exact=True).click()
    page.get_by_role("link", name="New client").click()
    keep_picture(page, "task-client-kinds")
    page.get_by_role("link", name="Create a machine").click()
    page.get_by_label("Name", exact=True).fill("Nightly report")
    page.get_by_role("button", name="Create the client").click()
    page.get_by_role("alert").wait_for()
    keep_picture(page, "task-client-refused")
    page.get_by_role("checkbox", name="read").check()
    page.get_by_role("button", name="Create the client").click()
    page.get_by_role("heading", name="Copy the secret now").wait_for()
    keep_picture(page, "task-client-made")

    secret = page.locator("#the-secret").inner_text()
    client = Client.objects.get(name="Nightly report")
    answer = httpx.post(
        f"{world.url}/oauth/token", auth=(client.client_id, secret),
        data={"grant_type": "client_credentials", "resource": world.resource, "scope": "read"},
    )  # fmt: skip
    assert 200 == answer.status_code, answer.text

    page.get_by_role("link", name="Go to the client's page").click()
    page.get_by_role("heading", name="Latest tokens").wait_for()
    assert secret not in page.content()
    keep_picture(page, "task-client-page")


def test_why_a_token_was_refused_is_found(open_page, world, operator):
    made = factories.make_confidential_client(name="Nightly report", scope="read")
    httpx.post(
        f"{world.url}/oauth/token", auth=(made.row.client_id, made.secret),
        data={"grant_type": "client_credentials", "resource": world.resource, "scope": "admin"},
    )  # fmt: skip
    page = start(open_page, world)
    page.get_by_label("Search, or paste a token").fill("nightly")
    page.get_by_role("search").get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Nightly report").first.click()
    page.get_by_role("link", name="What it holds, and what to do").click()
    page.get_by_role("heading", name="What happened").wait_for()
    page.get_by_role("link", name="client_credentials.denied").first.click()
    page.get_by_role("heading", name="Why it was refused").wait_for()
    keep_picture(page, "task-why-refused")

    assert "scope" in page.locator("main").inner_text()


def test_an_agent_is_revoked(open_page, world, operator, ada):
    page = start(open_page, world)
    agent = Client.objects.get(name="Planning assistant")
    page.goto(f"{world.url}/console/clients/{agent.pk}/")
    page.get_by_role("link", name="Revoke for good").click()
    page.get_by_role("heading", name="What this does").wait_for()
    keep_picture(page, "task-revoke")
    page.get_by_role("button", name="Revoke for good").click()
    page.get_by_text("is revoked. Its developer needs a new client.").wait_for()

    agent.refresh_from_db()
    assert "revoked" == agent.status


def test_keys_are_rotated(open_page, world, operator, ada):
    page = start(open_page, world)
    page.get_by_role("link", name="Rotate keys", exact=True).click()
    page.get_by_role("heading", name="Signing keys now").wait_for()
    keep_picture(page, "task-keys")
    page.get_by_role("link", name="In due course").click()
    page.get_by_role("heading", name="After").wait_for()
    keep_picture(page, "task-keys-preview")
    page.get_by_role("button", name="Publish the next key").click()
    page.get_by_text("There is nothing more to do.").wait_for()

    assert 2 == SigningKey.objects.count()


PAGES = {
    "kinds": lambda found: "clients/new/",
    "agent-form": lambda found: "clients/new/agent/",
    "client": lambda found: f"clients/{found['client'].pk}/",
    "client-change": lambda found: f"clients/{found['client'].pk}/change/",
    "delete-client": lambda found: f"clients/{found['client'].pk}/delete/",
    "person": lambda found: f"people/{found['user'].pk}/",
    "sign-out": lambda found: f"people/{found['user'].pk}/sign-out/",
    "keys": lambda found: "keys/rotate/",
    "keys-withdraw": lambda found: "keys/rotate/withdraw/",
    "settings": lambda found: "settings/",
    "settings-approval": lambda found: "settings/approval/",
    "approvals": lambda found: "approvals/",
    "record": lambda found: "record/",
    "idp": lambda found: f"trust/idps/{found['idp'].pk}/",
    "policy": lambda found: f"trust/idps/{found['idp'].pk}/policy/",
    "rehearse": lambda found: "trust/rehearse/",
    "fronting": lambda found: "fronting/new/",
}


def test_every_page_of_a_task_is_accessible(open_page, world, operator, ada):
    from oauth.models import TrustedIdP

    idp = TrustedIdP.objects.create(
        name="The enterprise", issuer="https://idp.example", jwks_uri="https://idp.example/jwks"
    )
    XAAPolicy.objects.create(idp=idp, name="Reports", scopes=["read"])
    found = {"client": Client.objects.get(name="Planning assistant"), "user": ada, "idp": idp}
    page = start(open_page, world, looks.CONSOLE[-1])
    inspection = looks.Inspection(page, looks.CONSOLE)

    for name, path in PAGES.items():
        answer = page.goto(f"{world.url}/console/{path(found)}")
        assert 200 == answer.status, name
        inspection.look_at(f"task-{name}")

    assert not inspection.faults + inspection.said, inspection.report
