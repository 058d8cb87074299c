"""The operator console in a real browser, in the light, in the dark, small, and without a mouse."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from django.core.management import call_command

from audit.events import ClientCredentialsDenied, TokenRefreshDenied
from audit.record import record
from authplane.accounts.models import User
from authplane.core import clock
from broker.models import BrokerProvider, Connection
from oauth.models import AccessToken
from tests.browser import looks
from tests.support import factories

OPERATOR = "operator@example.com"


@pytest.fixture
def operator(world):
    return User.objects.create_superuser(email=OPERATOR, password=factories.PASSWORD)


@pytest.fixture
def tokens(world):
    """A server that has been in use: three tokens as text, and rows of every kind beside them."""
    made = factories.make_confidential_client(name="Nightly report", scope="read write")
    furnish(made.row)
    return [machine_token(world, made) for _ in range(3)]


def machine_token(world, made):
    answer = httpx.post(
        f"{world.url}/oauth/token",
        auth=(made.row.client_id, made.secret),
        data={"grant_type": "client_credentials", "resource": world.resource},
    )
    return str(answer.json()["access_token"])


def furnish(client):
    """Tokens of a day, a line of exchanges, refusals, connections, and a key about to take over."""
    now = clock.now()
    kinds = ["authorization_code", "refresh_token", "refresh_token", "token_exchange", "vend"]
    ada = User.objects.get(email="ada@example.com")

    def token(**fields):
        values = {
            "kind": "authorization_code", "subject": str(ada.pk), "scope": "read", "user": ada,
            "application": client, "resource": "https://notes.example.com/mcp",
            "expires": now + timedelta(minutes=15),
        }  # fmt: skip
        return AccessToken.objects.create(**(values | fields))

    for number in range(160):
        token(kind=kinds[number % 5], created=now - timedelta(minutes=number * number % 1300))
    first = token()
    below = [
        token(kind="token_exchange", parent=parent.pk, actors={"sub": "planner"})
        for parent in [first, first]
    ]
    token(kind="vend", parent=below[0].pk, resource="https://api.github.com")
    token(kind="token_exchange", parent=below[1].pk, revoked_at=now)
    for number in range(25):
        record(TokenRefreshDenied(reason=["expired", "reused", "unknown"][number % 7 % 3]))
        record(ClientCredentialsDenied(client_id=client.client_id, reason="invalid_target"))
    github = BrokerProvider.objects.create(
        number=1, slug="github", display_name="GitHub", protocol="oauth2"
    )
    for number in range(7):
        Connection.objects.create(
            user=factories.make_user(), provider=github, failures=number // 5,
            status="reauth_required" if number == 6 else "active",
        )  # fmt: skip
    call_command("rotate_keys", verbosity=0)
    return first


def enter(page, world, at_the_door=lambda: None):
    page.goto(f"{world.url}/console/")
    at_the_door()
    page.get_by_label("E-mail address").fill(OPERATOR)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()


def overview(page, world, tokens):
    page.goto(f"{world.url}/console/")


def token_list(page, world, tokens):
    page.goto(f"{world.url}/console/oauth/accesstoken/")


def client_list(page, world, tokens):
    page.goto(f"{world.url}/console/oauth/client/")


def client_row(page, world, tokens):
    client_list(page, world, tokens)
    page.locator("#result_list tbody th a").first.click()
    page.locator(".form-row").first.wait_for()


def search_results(page, world, tokens):
    page.get_by_label("Search, or paste a token").fill("night")
    page.get_by_role("search").get_by_role("button", name="Search").click()
    page.get_by_role("heading", name="Clients").first.wait_for()


def inspected_token(page, world, tokens):
    page.get_by_label("Search, or paste a token").fill(tokens[-1])
    page.get_by_role("search").get_by_role("button", name="Search").click()
    page.get_by_role("heading", name="Signed by this server").wait_for()


def inspected_forgery(page, world, tokens):
    page.goto(f"{world.url}/console/inspect/")
    head, body, _ = tokens[0].split(".")
    page.get_by_label("Token", exact=True).fill(f"{head}.{body}.{tokens[1].split('.')[2]}")
    page.get_by_role("button", name="Inspect").click()
    page.get_by_role("heading", name="Not verified").wait_for()


def lineage_tree(page, world, tokens):
    top = AccessToken.objects.filter(kind="token_exchange", parent__isnull=False).first()
    page.goto(f"{world.url}/console/lineage/")
    page.get_by_label("jti, or a whole token").fill(str(top.pk))
    page.get_by_role("button", name="Show its line").click()
    page.locator(".tree").wait_for()


PAGES = [
    overview, token_list, client_list, client_row, search_results, inspected_token,
    inspected_forgery, lineage_tree,
]  # fmt: skip


def test_every_page_is_accessible_and_breaks_no_policy(open_page, world, operator, tokens):
    page = open_page(**looks.CONSOLE[-1].context)
    inspection = looks.Inspection(page, looks.CONSOLE)
    enter(page, world, lambda: inspection.look_at("console-sign-in"))

    for visit in PAGES:
        visit(page, world, tokens)
        inspection.look_at(f"console-{visit.__name__}")

    assert not inspection.faults + inspection.said, inspection.report
