"""A person adds an MCP server, connects it and removes it, in a browser that runs no script."""

from __future__ import annotations

import pytest

from tests.browser import looks
from tests.browser.conftest import keep_picture, sign_in
from tests.support.servers import make_discovered, make_server, make_server_connection
from tests.support.upstream import ALLOWED, running_upstream


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as running:
        yield running


def discovered(upstream):
    """What discovery would find about the one server there is."""
    from broker.models import UpstreamServer

    made = UpstreamServer.objects.get()
    make_discovered(made, upstream.url)
    return made


def test_add_connect_disconnect_remove(page, world, upstream):
    page.goto(f"{world.url}/mcp-servers")
    sign_in(page, world)
    page.get_by_role("heading", name="Your MCP servers").wait_for()
    keep_picture(page, "servers-none")
    page.get_by_label("URL").fill("http://mcp.example.com")
    page.get_by_role("button", name="Add server").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("URL").get_attribute("aria-invalid") == "true"
    assert page.get_by_label("URL").input_value() == "http://mcp.example.com"
    keep_picture(page, "servers-wrong")

    page.get_by_label("URL").fill(f"{upstream.url}/mcp")
    page.get_by_label("Name").fill("Team Notes")
    page.get_by_role("button", name="Add server").click()
    page.get_by_role("status").wait_for()
    assert "Not connected" in page.get_by_role("listitem").inner_text()
    discovered(upstream)
    page.get_by_role("button", name="Connect Team Notes").click()
    page.get_by_role("heading", name="Connect Team Notes").wait_for()
    keep_picture(page, "servers-continue")
    page.get_by_role("link", name="Continue to 127.0.0.1").click()
    page.get_by_role("link", name="Allow").click()
    page.get_by_text("Team Notes is connected.").wait_for()
    keep_picture(page, "servers-connected")

    page.get_by_role("button", name="Reconnect Team Notes").click()
    page.get_by_role("link", name="Continue to 127.0.0.1").click()
    page.get_by_role("link", name="Deny").click()
    page.get_by_role("alert").wait_for()
    assert "Not connected: Team Notes" in page.get_by_role("alert").inner_text()
    keep_picture(page, "servers-denied")
    page.get_by_role("link", name="Connected accounts").click()
    page.get_by_role("heading", name="Connected MCP servers").wait_for()
    keep_picture(page, "connections-with-server")
    page.get_by_role("link", name="Manage MCP servers").click()

    page.get_by_role("button", name="Disconnect Team Notes").click()
    page.get_by_role("status").wait_for()
    assert len(upstream.revoked) == 2
    page.get_by_role("link", name="Remove Team Notes").click()
    page.get_by_role("heading", name="Remove Team Notes?").wait_for()
    keep_picture(page, "servers-remove")
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("status").wait_for()
    assert page.get_by_role("listitem").count() == 0


def test_a_server_that_cannot_be_discovered(page, world, override_config):
    override_config(broker=ALLOWED)
    from authplane.accounts.models import User

    make_server(User.objects.get(email=world.email), "http://127.0.0.1:1/mcp", name="Gone")
    page.goto(f"{world.url}/mcp-servers")
    sign_in(page, world)
    page.get_by_role("button", name="Connect Gone").click()
    page.get_by_role("alert").wait_for()

    assert "Gone: the server or its authorization server" in page.get_by_role("alert").inner_text()


@looks.needs_axe
def test_the_pages_break_no_rule_of_accessibility(open_page, world, upstream):
    from authplane.accounts.models import User

    user = User.objects.get(email=world.email)
    row = make_server(user, f"{upstream.url}/mcp", name="Team Notes")
    make_discovered(row, upstream.url)
    make_server_connection(row, user)
    make_server(user, "https://open.example.com/mcp", name="Open", requires_auth=False)
    make_server(user, f"https://mcp.example.com/{'a' * 90}", name="A" * 60)
    page = open_page(bypass_csp=True, **looks.PAGES[-1].context)
    inspection = looks.Inspection(page, options=looks.DEFAULTS)
    page.goto(f"{world.url}/mcp-servers")
    sign_in(page, world)
    page.get_by_role("heading", name="Your MCP servers").wait_for()
    page.goto(f"{world.url}/mcp-servers?oauth_error=state_expired")
    page.get_by_role("alert").wait_for()
    inspection.look_at("servers-list")
    page.goto(f"{world.url}/mcp-servers/{row.pk}/remove")
    page.get_by_role("heading", name="Remove Team Notes?").wait_for()
    inspection.look_at("servers-remove")

    assert not inspection.faults, inspection.report
