"""One user's servers, asked for many times at once, over HTTP and on PostgreSQL."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.support.factories import make_user, person
from tests.support.oauth_client import OAuthClient
from tests.support.servers import (
    SAME,
    Page,
    make_discovered,
    make_server,
    make_server_connection,
)
from tests.support.storm import storm
from tests.support.upstream import running_upstream

pytestmark = [pytest.mark.server, pytest.mark.postgres]


@pytest.fixture
def upstream():
    with running_upstream(seconds=0.05) as world:
        yield world


def cookies_of(driver):
    return "; ".join(f"{name}={value}" for name, value in driver.http.cookies.items())


def post(path, body, headers):
    return lambda http: http.post(path, json=body, headers=headers)


@pytest.mark.spec("Negative tests", "D8.1", "MUST", "parallel answers with one state: one exchange")
@pytest.mark.spec("Plugged.in", "P14", "MUST", "parallel refreshes: one upstream call, all 200")
def test_each_thing_happens_once(crowd_server, upstream):
    from broker.models import Connection, Profile, Project, UpstreamServer

    user = make_user()
    url = crowd_server().url
    driver = OAuthClient.at(url)
    page = Page(driver, person(user))
    page.sign_in()
    headers = SAME | {"Cookie": cookies_of(driver)}

    added = storm(url, post("/api/servers", {"url": f"{upstream.url}/mcp"}, headers))
    assert [201] + [409] * (len(added) - 1) == sorted(one.status_code for one in added)
    assert (1, 1, 1) == tuple(kind.objects.count() for kind in (Project, Profile, UpstreamServer))

    row = UpstreamServer.objects.get()
    make_discovered(row, upstream.url, callback=f"{url}/api/oauth/callback")
    left = page.initiate(str(row.pk)).json()["authorizationUrl"]
    state = dict(parse_qsl(urlsplit(left).query))["state"]
    arrival = {"Accept": "text/html", "Cookie": cookies_of(driver)}
    path = f"/api/oauth/callback?{urlencode({'state': state, 'code': 'c'})}"
    arrived = storm(url, lambda http: http.get(path, headers=arrival))
    told = [dict(parse_qsl(urlsplit(one.headers["location"]).query)) for one in arrived]
    assert 1 == sum("oauth_success" in one for one in told)
    assert {None, "state_invalid"} == {one.get("oauth_error") for one in told}
    assert (1, 1) == (upstream.count("authorization_code"), Connection.objects.get().version)

    other = make_server(user, f"{upstream.url}/other")
    make_discovered(other, upstream.url, callback=f"{url}/api/oauth/callback")
    make_server_connection(other, user)
    again = storm(url, post("/api/oauth/refresh", {"serverUuid": str(other.pk)}, headers))
    assert {200} == {one.status_code for one in again}
    assert 1 == len({one.json()["expiresAt"] for one in again})
    assert 1 == upstream.count("refresh_token")
