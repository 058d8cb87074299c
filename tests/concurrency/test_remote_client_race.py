"""Many hops to a remote MCP server that begin at once, on PostgreSQL: one client of ours there."""

from __future__ import annotations

import pytest

from tests.support.factories import make_user, person
from tests.support.oauth_client import OAuthClient
from tests.support.remote import running_remote
from tests.support.servers import SAME, Page, make_server
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]


def test_many_at_once_leave_one_client(crowd_server):
    from broker.models import UpstreamConfig

    user = make_user()
    url = crowd_server().url
    page = Page(OAuthClient.at(url), person(user))
    page.sign_in()
    cookies = "; ".join(f"{name}={value}" for name, value in page.client.http.cookies.items())

    with running_remote(seconds=0.05) as remote:
        body = {"serverUuid": str(make_server(user, remote.mcp).pk)}
        answers = storm(
            url,
            lambda http: http.post(
                "/api/oauth/initiate", json=body, headers=SAME | {"Cookie": cookies}
            ),
        )

    assert {200} == {one.status_code for one in answers}, answers[0].text
    assert len(remote.registered) - len(remote.unregistered) == 1
    kept = UpstreamConfig.objects.get().client_id
    assert all(f"client_id={kept}&" in one.json()["authorizationUrl"] for one in answers)
