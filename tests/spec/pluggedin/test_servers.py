"""/api/servers: what a user has, whose it is, what may be added."""

from __future__ import annotations

import uuid

import pytest

from authplane.core import clock
from broker.models import Connection, Profile, Project, UpstreamServer
from tests.support.record import recorded
from tests.support.servers import make_discovered, make_server, make_server_connection
from tests.support.upstream import rises

URL = "https://mcp.example.com/mcp"
NOBODY = str(uuid.UUID(int=7))


def refused(answer, status, error, text=""):
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, error), answer.text
    assert text in body["message"]
    assert body["message"] == body["error_description"]
    assert isinstance(body["details"], dict)
    assert "no-store" in answer.headers["cache-control"]


@pytest.mark.shows("audit event", "broker_server.added", "broker_server.removed")
def test_the_whole_life_of_one(page, user):
    made = page.add("https://MCP.example.com:443/mcp?key=k1")
    row = UpstreamServer.objects.select_related("profile__project").get()

    assert made == {
        "uuid": str(row.pk), "name": "mcp.example.com", "url": f"{URL}?key=k1",
        "profile": str(row.profile_id), "user_id": str(user.pk), "status": "needs_connecting",
        "requires_auth": None, "connection": None, "scopes": [], "connected_at": None,
        "expires_at": None, "created_at": made["created_at"],
    }  # fmt: skip
    assert row.profile.project.user == user
    assert {"servers": [made], "total": 1} == page.send("GET", "/api/servers").json()
    assert made == page.send("GET", f"/api/servers/{made['uuid']}").json()

    assert 204 == page.send("DELETE", f"/api/servers/{made['uuid']}").status_code
    refused(page.send("DELETE", f"/api/servers/{made['uuid']}"), 404, "not_found")
    assert {"servers": [], "total": 0} == page.send("GET", "/api/servers").json()
    told = [{"id": made["uuid"], "url": URL}]
    assert (told, told) == (recorded("broker_server.added"), recorded("broker_server.removed"))


def test_one_default_project_and_profile_and_a_chosen_one(page, user, stranger):
    first = page.add(URL)
    page.add("https://two.example.com/mcp", name="Two")
    assert (1, 1) == (Project.objects.count(), Profile.objects.count())
    other = Profile.objects.create(project=Project.objects.get(), name="Work")

    assert str(other.pk) == page.add(URL, profile=str(other.pk))["profile"] != first["profile"]
    theirs = stranger.send("POST", "/api/servers", {"url": URL, "profile": str(other.pk)})
    refused(theirs, 404, "not_found", "no such profile")
    assert 3 == UpstreamServer.objects.filter(profile__project__user=user).count()


def test_the_same_one_twice(page):
    known = page.add(URL)

    again = page.send("POST", "/api/servers", {"url": "https://mcp.example.com:443/mcp"})
    refused(again, 409, "conflict")
    assert {"serverUuid": known["uuid"]} == again.json()["details"]


def test_no_more_than_so_many(page, user, monkeypatch):
    monkeypatch.setattr("broker.servers.services.MAX_SERVERS", 1)
    page.add(URL)

    refused(page.send("POST", "/api/servers", {"url": "https://b.example.com"}), 409, "conflict")
    assert 1 == UpstreamServer.objects.count()


BAD_URLS = [
    "", None, 7, [], "mcp.example.com", "ftp://mcp.example.com", "http://mcp.example.com",
    "http://localhost/mcp", "https://localhost/mcp", "https://127.0.0.1/mcp",
    "https://[::1]/mcp", "https://[::ffff:a9fe:a9fe]/", "https://169.254.169.254/latest",
    "https://100.64.0.1/", "https://2130706433/", "https://0x7f.1/", "https://127.1/",
    "https://10.0.0.8/mcp", "https://ada:pw@mcp.example.com/", "https://mcp.example.com/#x",
    "https://mcp.example.com:0/", "https://mcp.example.com:/", "https://mcp.exa mple.com/",
    "https://mcp.example.com/\u00e9", "https:///mcp", "https://mcp..example.com/",
    "javascript:alert(1)", "https://mcp.example.com/" + "a" * 2048, "https://[::1",
]  # fmt: skip


def test_what_is_no_address_of_a_server(page):
    for url in BAD_URLS:
        refused(page.send("POST", "/api/servers", {"url": url}), 400, "invalid_request", "url")
    assert not UpstreamServer.objects.exists()


def test_every_problem_is_told_at_once(page):
    body = {"url": "x", "name": "a" * 256, "profile": "p", "owner": "me"}
    answer = page.send("POST", "/api/servers", body)
    for member in ("url", "name", "profile", "owner is not a member"):
        refused(answer, 400, "invalid_request", member)
    refused(page.send("POST", "/api/servers", [URL]), 400, "invalid_request")


def test_a_private_host_that_the_operator_allows(page, override_config):
    override_config(broker={"allowed_private_hosts": ("127.0.0.1", "mcp.internal")})

    assert "http://127.0.0.1:9/x/" == page.add("http://127.0.0.1:9/x/")["url"]
    assert "https://mcp.internal" == page.add("https://mcp.internal/")["url"]
    inner = page.send("POST", "/api/servers", {"url": "http://mcp.internal/"})
    refused(inner, 400, "invalid_request", "https")


@pytest.mark.spec("Plugged.in", "P11", "MUST", "servers of others are refused, and recorded")
@pytest.mark.shows("audit event", "broker_server.ownership_violated")
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_server_of_somebody_else(page, stranger, method):
    made = page.add(URL)

    refused(stranger.send(method, f"/api/servers/{made['uuid']}"), 403, "access_denied")
    assert [{"id": made["uuid"]}] == recorded("broker_server.ownership_violated")
    refused(page.send(method, f"/api/servers/{NOBODY}"), 404, "not_found")
    refused(page.send(method, "/api/servers/none"), 400, "invalid_request", "UUID")
    assert [] == stranger.send("GET", "/api/servers").json()["servers"]
    assert UpstreamServer.objects.exists()


ROUTES = [
    ("GET", "/api/servers"), ("POST", "/api/servers"), ("GET", f"/api/servers/{NOBODY}"),
    ("DELETE", f"/api/servers/{NOBODY}"), ("GET", "/api/connections"),
    ("GET", f"/api/connections/{NOBODY}"), ("DELETE", f"/api/connections/{NOBODY}"),
    ("POST", "/api/oauth/initiate"), ("POST", "/api/oauth/refresh"),
]  # fmt: skip


def test_nobody_is_signed_in(anybody):
    for method, path in ROUTES:
        answer = anybody.send(method, path)
        refused(answer, 401, "unauthorized")
        assert "Bearer" == answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"},
        {"Content-Type": "application/json", "Sec-Fetch-Site": "same-site"},
        {"Content-Type": "application/json", "Origin": "https://evil.example.com"},
        {"Content-Type": "text/plain", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_only_pages_of_this_site_change_anything(page, headers):
    for method, path in [one for one in ROUTES if one[0] != "GET"]:
        refused(page.send(method, path, {"url": URL}, **headers), 403, "access_denied")
    assert not UpstreamServer.objects.exists()


def test_what_no_view_gets_to_see_is_refused_in_json_as_well(page):
    answer = page.send("POST", "/api/servers", {"url": URL, "name": "a" * 2**16})
    assert (413, "invalid_request") == (answer.status_code, answer.json()["error"])
    html = page.send("POST", "/api/servers", {"x": "a" * 2**16}, Accept="text/html")
    assert "text/html; charset=utf-8" == html.headers["content-type"]


METHODS = [
    ("DELETE", "/api/servers", "GET, HEAD, POST"),
    ("POST", f"/api/servers/{NOBODY}", "DELETE, GET, HEAD"),
    ("POST", "/api/connections", "GET, HEAD"),
    ("GET", "/api/oauth/initiate", "POST"),
    ("GET", "/api/oauth/refresh", "POST"),
    ("GET", "/api/oauth/refresh-tokens", "POST"),
    ("GET", "/api/oauth/cleanup-pkce", "POST"),
]


def test_other_methods(page):
    for method, path, allow in METHODS:
        answer = page.send(method, path)
        refused(answer, 405, "invalid_request", "Method not allowed. Use ")
        assert allow == answer.headers["allow"]


def connected(user, upstream, **members):
    server = make_server(user, f"{upstream.url}/mcp")
    make_discovered(server, upstream.url)
    return make_server_connection(server, user, **members)


@pytest.mark.spec("Plugged.in", "P10", "MUST", "connections show no token")
def test_what_is_connected(page, user, upstream, stranger):
    row = connected(user, upstream)
    listed = page.send("GET", "/api/connections")
    (one,) = listed.json()["connections"]

    assert one == page.send("GET", f"/api/connections/{row.pk}").json()
    assert (str(row.server_id), "active", ["read"]) == (
        one["server_uuid"], one["status"], one["scopes"],
    )  # fmt: skip
    assert one["expires_at"].endswith("Z")
    (server,) = page.send("GET", "/api/servers").json()["servers"]
    assert ("connected", str(row.pk), one["expires_at"]) == (
        server["status"], server["connection"], server["expires_at"],
    )  # fmt: skip
    for secret in ("at-0-of-the-upstream", "rt-0"):
        assert secret not in listed.text + str(server)
    refused(stranger.send("GET", f"/api/connections/{row.pk}"), 403, "access_denied")
    assert [] == stranger.send("GET", "/api/connections").json()["connections"]


@pytest.mark.spec("Plugged.in", "P22", "MUST", "what is disconnected is ended here and upstream")
def test_disconnecting(page, user, upstream, stranger, django_capture_on_commit_callbacks):
    row = connected(user, upstream)
    refused(stranger.send("DELETE", f"/api/connections/{row.pk}"), 403, "access_denied")

    with (
        django_capture_on_commit_callbacks(execute=True),
        rises("authserver_connection_disconnect_total", provider="server"),
    ):
        assert 204 == page.send("DELETE", f"/api/connections/{row.pk}").status_code

    assert ["rt-0", "at-0-of-the-upstream"] == upstream.revoked
    refused(page.send("DELETE", f"/api/connections/{row.pk}"), 404, "not_found")
    assert "revoked" == page.send("GET", f"/api/connections/{row.pk}").json()["status"]
    assert [] == page.send("GET", "/api/connections").json()["connections"]
    assert "needs_connecting" == page.send("GET", "/api/servers").json()["servers"][0]["status"]
    row.refresh_from_db()
    assert (None, None) == (row.credential_sealed, row.access_sealed)


@pytest.mark.django_db(transaction=True)
def test_removing_ends_what_is_connected(page, user, upstream):
    row = connected(user, upstream)

    answer = page.send("DELETE", f"/api/servers/{row.server_id}")

    assert (204, ["rt-0", "at-0-of-the-upstream"]) == (answer.status_code, upstream.revoked)
    assert not Connection.objects.exists()
    assert [{"provider": "server", "grant_id": str(row.pk), "reason": "server_removed"}] == (
        recorded("broker_grant.revoked")
    )


def test_a_server_that_needs_no_account(page, user):
    make_server(user, requires_auth=False, created_at=clock.now())

    assert "no_auth_required" == page.send("GET", "/api/servers").json()["servers"][0]["status"]
