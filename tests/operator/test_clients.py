"""`/admin/clients`."""

from __future__ import annotations

import json
import logging
import uuid
from datetime import timedelta

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.metrics import counter
from oauth.clients.secrets import verify_secret
from oauth.models import AccessToken, Client
from tests.support.factories import make_client, make_confidential_client

GOOD = {"client_name": "Robot", "redirect_uris": ["https://robot.example.com/callback"]}
VIEW = [
    "id", "name", "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method",
    "scope", "status", "registration_source", "agent", "agent_description", "cimd_url",
    "issued_at", "updated_at",
]  # fmt: skip


def events():
    return list(
        AuditEvent.objects.filter(action__startswith="client.")
        .order_by("id")
        .values_list("action", "actor_id", "client_id", "detail")
    )


def registered():
    return counter("authserver_clients_registered_total").labels(source="admin")._value.get()


@pytest.mark.shows("audit event", "client.created_admin")
@pytest.mark.shows("metric", "authserver_clients_registered_total")
def test_a_public_client_is_created_with_the_defaults(operator):
    before = registered()

    answer = operator.post("/admin/clients", GOOD)

    body = answer.json()
    client = Client.objects.get()
    assert 201 == answer.status_code
    assert body == {
        "client_id": client.client_id, "client_name": "Robot",
        "redirect_uris": GOOD["redirect_uris"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": "none", "scope": "", "status": "active",
        "registration_source": "admin", "agent": False, "agent_description": "",
        "issued_at": body["issued_at"],
    }  # fmt: skip
    assert [("client.created_admin", "admin", client.client_id, {"name": "Robot"})] == events()
    assert before + 1 == registered()


def test_a_secret_is_shown_once_and_never_kept(operator, caplog):
    caplog.set_level(logging.DEBUG)
    answer = operator.post(
        "/admin/clients",
        {**GOOD, "token_endpoint_auth_method": "client_secret_basic", "agent": True,
         "agent_description": "Does things.", "scope": "read write",
         "grant_types": ["authorization_code", "client_credentials"]},
    )  # fmt: skip

    body = answer.json()
    client = Client.objects.get()
    assert (201, True, "Does things.", "read write") == (
        answer.status_code, body["agent"], body["agent_description"], body["scope"],
    )  # fmt: skip
    assert verify_secret(body["client_secret"], client=client, now=clock.now())
    shown = operator.get(f"/admin/clients/{client.client_id}").content.decode()
    for text in (shown, operator.get("/admin/clients").content.decode(), caplog.text):
        assert body["client_secret"] not in text
        assert client.client_secret not in text


def test_a_client_is_shown_field_by_field(operator):
    client = make_client(scope="read", is_agent=True)

    body = operator.get(f"/admin/clients/{client.client_id}").json()

    assert VIEW == list(body)
    assert (client.client_id, client.name, "", True) == (
        body["id"], body["name"], body["cimd_url"], body["agent"],
    )  # fmt: skip


def test_a_client_with_a_document_is_found_by_its_url(operator):
    url = "https://client.example.com/oauth/client.json"
    make_client(client_id=url, registration_source="cimd")

    assert url == operator.get(f"/admin/clients/{url}").json()["cimd_url"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"client_name": None}, "client_name"),
        ({"client_name": "  "}, "client_name"),
        ({"client_name": "n" * 256}, "client_name"),
        ({"client_name": "a\u0000"}, "client_name"),
        ({"client_name": ["a"]}, "client_name"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": "https://a"}, "redirect_uris"),
        ({"redirect_uris": ["http://robot.example.com/"]}, "client validation failed"),
        ({"redirect_uris": ["https://robot.example.com/#x"]}, "client validation failed"),
        ({"redirect_uris": [f"https://r.example.com/{n}" for n in range(11)]}, "redirect_uris"),
        ({"grant_types": ["password"]}, "grant_types"),
        ({"grant_types": ["implicit"]}, "grant_types"),
        ({"response_types": ["token"]}, "response_types"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "tls_client_auth is switched off"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
        ({"scope": 7}, "scope"),
        ({"scope": 'a"b'}, "scope"),
        ({"agent": "yes"}, "agent"),
        ({"agent_description": "d" * 256}, "agent_description"),
        ({"client_secret": "mine"}, "the body may hold"),
        ({"client_id": "mine"}, "the body may hold"),
        ({"status": "active", "client_name": ""}, "client_name is required"),
        ({"client_name": "", "redirect_uris": []}, "; "),
    ],
)
def test_every_problem_is_told_and_nothing_is_created(operator, change, problem):
    answer = operator.post("/admin/clients", {**GOOD, **change})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert problem in answer.json()["detail"]
    assert not Client.objects.exists()
    assert [] == events()


def test_a_grant_that_is_off_is_refused_with_its_switch(operator, override_config):
    override_config(features={"client_credentials": False})

    answer = operator.post("/admin/clients", {**GOOD, "grant_types": ["client_credentials"]})

    assert "AUTHPLANE_CLIENT_CREDENTIALS_ENABLED" in answer.json()["detail"]


def test_clients_are_listed_and_filtered(operator):
    suspended = make_client(status="suspended", registration_source="dcr")
    active = make_client()

    def ids(query=""):
        return [client["id"] for client in operator.get(f"/admin/clients{query}").json()["clients"]]

    assert [active.client_id, suspended.client_id] == ids()
    assert [suspended.client_id] == ids("?status=suspended")
    assert [suspended.client_id] == ids("?source=dcr")
    assert [] == ids("?status=other")
    assert [suspended.client_id] == ids("?limit=1&offset=1")
    first = operator.get("/admin/clients?limit=1").json()
    assert 2 == first["total"]
    assert [suspended.client_id] == ids(f"?limit=1&cursor={first['next_cursor']}")


@pytest.mark.parametrize(
    "query", ["limit=x", "offset=-1", "cursor=!", "state=active", "status=%00"]
)
def test_a_query_that_cannot_be_read_is_refused(operator, query):
    assert 400 == operator.get(f"/admin/clients?{query}").status_code


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [("GET", "", None), ("PATCH", "", {"client_name": "x"}), ("PATCH", "/suspend", None),
     ("PATCH", "/revoke", None), ("PATCH", "/reactivate", None), ("POST", "/rotate-secret", None),
     ("DELETE", "", None)],
)  # fmt: skip
@pytest.mark.parametrize("client_id", ["nobody", "https://nobody.example.com/x", "%00", "x" * 600])
def test_an_unknown_client_is_not_found(operator, method, action, body, client_id):
    answer = operator.call(method, f"/admin/clients/{client_id}{action}", body)

    assert (404, "not_found", "client not found") == (
        answer.status_code, answer.json()["error"], answer.json()["detail"],
    )  # fmt: skip


@pytest.mark.shows("audit event", "client.suspended", "client.reactivated", "client.revoked")
def test_a_client_is_suspended_reactivated_and_revoked(operator):
    client_id = make_client().client_id

    def move(action):
        answer = operator.call("PATCH", f"/admin/clients/{client_id}/{action}")
        return answer.status_code, answer.json().get("status") or answer.json()["detail"]

    assert 409 == move("reactivate")[0]
    assert (200, "suspended") == move("suspend")
    assert 409 == move("suspend")[0]
    assert (200, "active") == move("reactivate")
    assert (200, "revoked") == move("revoke")
    assert 409 == move("reactivate")[0]
    assert "revoked" == Client.objects.get().status
    assert ["client.suspended", "client.reactivated", "client.revoked"] == [
        action for action, *_ in events()
    ]


@pytest.mark.shows("audit event", "client.updated")
def test_a_client_is_changed_in_part(operator):
    client = make_client(scope="read")

    answer = operator.call("PATCH", f"/admin/clients/{client.client_id}", {"client_name": "New"})

    assert (200, "New", "read") == (
        answer.status_code, answer.json()["name"], answer.json()["scope"],
    )  # fmt: skip
    assert [("client.updated", "admin", client.client_id, {"fields": "name"})] == events()


@pytest.mark.parametrize(
    "change",
    [{"agent": True}, {"client_secret": "x"}, {"redirect_uris": []}, {"client_name": ""},
     {"scope": 'a"'}],
)  # fmt: skip
def test_a_bad_change_changes_nothing(operator, change):
    client = make_client(name="Old")

    answer = operator.call(
        "PATCH", f"/admin/clients/{client.client_id}", {"client_name": "New"} | change
    )

    assert 400 == answer.status_code
    assert "Old" == Client.objects.get().name
    assert [] == events()


@pytest.mark.shows("audit event", "client.secret_rotated")
def test_a_secret_is_rotated_with_and_without_overlap(operator, frozen_clock):
    made = make_confidential_client()
    path = f"/admin/clients/{made.row.client_id}/rotate-secret"

    def holds(secret):
        return verify_secret(secret, client=Client.objects.get(), now=clock.now())

    second = operator.post(path).json()["client_secret"]
    assert (False, True) == (holds(made.secret), holds(second))
    third = operator.post(path, {"overlap": 60}).json()["client_secret"]
    assert (True, True) == (holds(second), holds(third))
    frozen_clock.shift(61)
    assert (False, True) == (holds(second), holds(third))
    assert [{}, {"overlap_seconds": 60}] == [detail for *_, detail in events()]


@pytest.mark.parametrize("body", [{"overlap": -1}, {"overlap": "x"}, {"overlap": 10**9}, {"x": 1}])
def test_a_bad_rotation_changes_nothing(operator, body):
    made = make_confidential_client()

    answer = operator.post(f"/admin/clients/{made.row.client_id}/rotate-secret", body)

    assert 400 == answer.status_code
    assert made.row.client_secret == Client.objects.get().client_secret


def test_a_public_client_has_no_secret_to_rotate(operator):
    answer = operator.post(f"/admin/clients/{make_client().client_id}/rotate-secret")

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


@pytest.mark.shows("audit event", "client.deleted")
def test_a_client_with_live_tokens_is_deleted_by_force_alone(operator):
    client = make_client()
    AccessToken.objects.create(
        id=uuid.uuid4(), kind="client_credentials", subject="x", resource="r", application=client,
        expires=clock.now() + timedelta(hours=1),
    )  # fmt: skip
    path = f"/admin/clients/{client.client_id}"

    assert 409 == operator.delete(path).status_code
    assert 400 == operator.delete(f"{path}?force=perhaps").status_code
    assert Client.objects.exists()
    answer = operator.delete(f"{path}?force=true")

    assert (204, b"") == (answer.status_code, answer.content)
    assert not Client.objects.exists()
    assert AccessToken.objects.get().revoked_at is not None
    assert [("client.deleted", "admin", client.client_id, {"cause": "admin", "force": True})] == (
        events()
    )


def test_answers_are_json_whatever_is_asked_for(operator):
    answer = operator.get("/admin/clients", accept="text/html")

    assert "application/json" == answer["Content-Type"]
    assert "clients" in json.loads(answer.content)
