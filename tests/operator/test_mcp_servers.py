"""Remote MCP servers of users: over the operator API, from shell and seeds."""

from __future__ import annotations

import io
import json
import uuid

import pytest
from django.core.management import CommandError, call_command

from broker.models import Connection, UpstreamServer
from tests.support.factories import make_user
from tests.support.record import recorded
from tests.support.servers import make_server, make_server_connection

pytestmark = pytest.mark.django_db
PATH = "/admin/mcp-servers"
URL = "https://mcp.example.com/mcp"
NOBODY = str(uuid.UUID(int=7))


@pytest.fixture
def user():
    return make_user(email="ada@example.com")


def run(*words):
    out = io.StringIO()
    call_command("mcp_server", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def refused(answer, status, error, text=""):
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, error), answer.content
    assert text in body["error_description"]


def test_over_the_api(operator, user):
    made = operator.post(PATH, {"user": "Ada@example.com", "url": URL})
    assert 201 == made.status_code, made.content
    one = made.json()
    make_server(make_user())

    assert (str(user.pk), URL, "needs_connecting") == (one["user_id"], one["url"], one["status"])
    assert one == operator.get(f"{PATH}/{one['uuid']}").json()
    assert 2 == operator.get(PATH).json()["total"]
    listed = operator.get(f"{PATH}?user={user.pk}").json()
    assert {"servers": [one], "total": 1, "next_cursor": None} == listed
    make_server_connection(UpstreamServer.objects.get(pk=one["uuid"]), user)

    assert 204 == operator.delete(f"{PATH}/{one['uuid']}").status_code
    assert not Connection.objects.exists()
    (grant,) = recorded("broker_grant.revoked")
    assert "server_removed" == grant["reason"]
    assert [{"id": one["uuid"], "url": URL}] == recorded("broker_server.removed")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"url": URL}, 400, "user"),
        ({"url": URL, "user": "nobody@example.com"}, 400, "user"),
        ({"url": URL, "user": 7}, 400, "user"),
        ({"user": "ada@example.com"}, 400, "url"),
        ({"user": "ada@example.com", "url": "http://10.0.0.1/", "x": 1}, 400, "x is not a member"),
        ({"user": "ada@example.com", "url": URL, "profile": NOBODY}, 404, "profile"),
        ({"user": "ada@example.com", "url": "https://known.example.com"}, 409, "already"),
    ],
)
def test_what_is_refused(operator, user, body, status, text):
    make_server(user, "https://known.example.com")
    errors = {400: "invalid_request", 404: "not_found", 409: "conflict"}

    refused(operator.post(PATH, body), status, errors[status], text)
    assert 1 == UpstreamServer.objects.count()


def test_unknown_ones(operator):
    for key in (NOBODY, "none"):
        refused(operator.get(f"{PATH}/{key}"), 404, "not_found")
        refused(operator.delete(f"{PATH}/{key}"), 404, "not_found")
    refused(operator.get(f"{PATH}?user=x"), 400, "invalid_request")
    refused(operator.get(f"{PATH}?profile=x"), 400, "invalid_request")
    assert 404 == operator.get("/mcp-servers-of-nobody").status_code


def test_from_the_shell(user):
    one = run("add", URL, "--user", "ada@example.com", "--name", "Notes")
    assert (str(user.pk), "Notes") == (one["user_id"], one["name"])
    assert one == run("show", one["uuid"])
    assert {"servers": [one], "total": 1} == run("list") == run("list", "--user", str(user.pk))

    for words, text in (
        (["add", URL, "--user", "ada@example.com"], "already"),
        (["add", "http://x", "--user", "ada@example.com"], "https"),
        (["add", URL, "--user", "nobody"], "user"),
        (["show", NOBODY], "no such server"),
        (["remove", "x"], "no such server"),
    ):
        with pytest.raises(CommandError, match=text):
            run(*words)
    assert {"uuid": one["uuid"], "url": URL} == run("remove", one["uuid"])
    assert {"servers": [], "total": 0} == run("list")


@pytest.mark.shows("setting", "mcp_servers")
def test_from_seeds(user, override_config, tmp_path):
    seed = {"user": "ada@example.com", "url": "https://MCP.example.com/mcp"}
    override_config(seeds={"mcp_servers": (seed,)})
    out = io.StringIO()
    for _ in range(2):
        call_command("load_seeds", stdout=out)
    assert [URL] == [*UpstreamServer.objects.values_list("url", flat=True)]

    override_config(seeds={"mcp_servers": ({"user": "nobody@example.com", "url": URL},)})
    with pytest.raises(CommandError, match="user"):
        call_command("load_seeds", stdout=out)
