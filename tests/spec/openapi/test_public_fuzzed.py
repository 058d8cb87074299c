"""Every operation of the public interface, with requests that were made from its document."""

from __future__ import annotations

import os

import pytest

from authplane.core.config import config
from broker.specification.public import public_document
from tests.support import factories
from tests.support.fuzzing import Fuzzer
from tests.support.gateway import make_proxy
from tests.support.servers import Page, make_server

SECONDS = float(os.environ.get("AUTHPLANE_FUZZ_SECONDS", "25"))

pytestmark = pytest.mark.slow


@pytest.fixture
def party(oauth, settings, override_config):
    """It sends the cookie of a user, and half of its requests about what that user has."""
    settings.ROOT_URLCONF = "authplane.urls.public"
    override_config(rate_limit={"enabled": False}, broker={"cron_secret": "scheduler-secret-" * 3})
    user, machine = factories.make_user(), factories.make_confidential_client()
    page = Page(oauth, factories.person(user))
    page.sign_in()
    client = {"client_id": machine.row.client_id, "client_secret": machine.secret}
    made = Fuzzer(
        public_document(),
        headers={"Origin": config().server.issuer, "Sec-Fetch-Site": "same-origin"},
        members={
            **dict.fromkeys(("/oauth/token", "/token", "/oauth/introspect", "/oauth/par"), client),
            "/api/oauth/": {"serverUuid": str(make_server(user).pk)},
        },
    )
    for cookie in oauth.http.cookies.jar:
        made.http.cookies[cookie.name] = cookie.value
    assert 200 == made.http.get("/api/servers").status_code
    spare = make_server(user, url="https://spare.example.com/mcp")
    return made, {
        "/api/servers": {"key": str(spare.pk)},
        "/api/v1/oauth-proxy": {"proxy_id": str(make_proxy().pk)},
    }


def test_no_request_is_answered_in_a_way_that_is_not_documented(party):
    fuzzer, real = party

    fuzzer.run(real, seconds=SECONDS)

    found = "\n".join(f"{what}\n    {how}" for what, how in fuzzer.found.items())
    assert not fuzzer.found, found
    assert {200, 400, 401, 404} <= set(fuzzer.statuses), fuzzer.statuses
