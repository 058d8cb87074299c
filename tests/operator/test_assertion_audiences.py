"""`/admin/assertion-audiences`: to which servers users are asserted, and for which clients."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from oauth.models import AssertionAudience
from tests.support.digests import nothing_changes
from tests.support.factories import make_confidential_client

PATH = "/admin/assertion-audiences"
UNKNOWN = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def good(db):
    client_id = make_confidential_client().row.client_id
    return {
        "name": "Chat",
        "audience": "https://as.chat.example.com",
        "client_ids": [client_id],
        "remote_client_ids": {client_id: "wiki"},
        "resources": ["https://mcp.chat.example.com/mcp"],
        "scopes": ["chat.read"],
    }


def recorded():
    rows = AuditEvent.objects.filter(action__startswith="assertion_audience.").order_by("id")
    return list(rows.values_list("action", "actor_id", "detail"))


@pytest.mark.shows("audit event", "assertion_audience.created")
def test_an_audience_is_registered_as_told(operator, good):
    answer = operator.post(PATH, good)

    assert answer.status_code == 201, answer.content
    body, row = answer.json(), AssertionAudience.objects.get()
    assert body == {
        **good,
        "id": str(row.pk),
        "enabled": True,
        "created_at": body["created_at"],
        "updated_at": body["updated_at"],
    }
    assert operator.get(f"{PATH}/{row.pk}").json() == body
    listed = operator.get(PATH).json()
    assert listed == {"assertion_audiences": [body], "total": 1, "next_cursor": None}
    detail = {"id": str(row.pk), "audience": good["audience"]}
    assert recorded() == [("assertion_audience.created", "admin", detail)]


def test_what_is_not_said_is_not_allowed(operator, db):
    made = operator.post(PATH, {"name": "Chat", "audience": "https://as.chat.example.com"}).json()

    assert (made["client_ids"], made["resources"], made["scopes"]) == ([], [], [])
    place = f"{PATH}/{made['id']}"
    assert operator.call("PATCH", place, {"scopes": None}).json()["scopes"] is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": None}, "name is required"),
        ({"audience": None}, "audience is required"),
        ({"audience": "chat"}, "audience must be an https URL"),
        ({"audience": "ftp://chat.example.com"}, "audience must be an https URL"),
        ({"audience": "https://as.chat.example.com#x"}, "audience"),
        ({"audience": "http://localhost:9000"}, "audience"),
        ({"client_ids": ["nobody"]}, "not registered"),
        ({"client_ids": "x"}, "client_ids must be a list"),
        ({"remote_client_ids": {"nobody": "x"}}, "not in client_ids"),
        ({"remote_client_ids": []}, "remote_client_ids must map"),
        ({"resources": ["mcp"]}, "resources must be absolute"),
        ({"resources": ["https://mcp.example.com#x"]}, "resources must be absolute"),
        ({"scopes": ['a"b']}, "scopes must be names"),
        ({"scopes": "read"}, "scopes must be a list"),
        ({"enabled": 1}, "enabled must be true or false"),
        ({"others": 1}, "others is not a known member"),
    ],
)
def test_every_problem_is_told_and_nothing_is_stored(operator, good, change, problem):
    with nothing_changes():
        answer = operator.post(PATH, {**good, **change})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert problem in answer.json()["detail"]
    assert recorded() == []


@pytest.mark.shows("audit event", "assertion_audience.patched", "assertion_audience.deleted")
def test_it_is_changed_and_removed(operator, good):
    made = operator.post(PATH, good).json()
    place = f"{PATH}/{made['id']}"
    with nothing_changes():
        assert operator.post(PATH, good).status_code == 409
        assert (
            operator.call("PATCH", place, {"audience": "https://x.example.com"}).status_code == 400
        )
        assert operator.call("PATCH", place, {"client_ids": []}).status_code == 400

    changed = operator.call("PUT", place, {"scopes": [], "enabled": False})
    assert (changed.json()["scopes"], changed.json()["enabled"]) == ([], False)
    assert operator.call("PATCH", place, {"enabled": False}).status_code == 200
    assert operator.delete(place).status_code == 204
    assert operator.delete(place).status_code == 404
    detail = {"id": made["id"], "audience": good["audience"]}
    assert recorded()[1:] == [
        ("assertion_audience.patched", "admin", detail | {"fields": "enabled,scopes"}),
        ("assertion_audience.deleted", "admin", detail),
    ]


@pytest.mark.parametrize("key", [UNKNOWN, "7"])
def test_an_unknown_one_is_not_found(operator, key):
    place = f"{PATH}/{key}"
    answers = [
        operator.get(place),
        operator.call("PATCH", place, {}),
        operator.delete(place),
    ]

    assert {answer.status_code for answer in answers} == {404}


def test_it_works_at_once(operator, scene):
    from tests.support.assertions import REMOTE, REMOTE_RESOURCE, Enterprise, make_enterprise

    enterprise: Enterprise = make_enterprise(scene)
    enterprise.audience.delete()
    subject = enterprise.sign_in()["refresh_token"]
    made = operator.post(
        PATH,
        {
            "name": "Other",
            "audience": REMOTE,
            "client_ids": [enterprise.client.client_id],
            "resources": [REMOTE_RESOURCE],
            "scopes": ["chat.read"],
        },
    ).json()
    assert enterprise.assertion(subject).status_code == 200

    operator.call("PATCH", f"{PATH}/{made['id']}", {"enabled": False})
    assert enterprise.assertion(subject).status_code == 400
