"""Keys of administrators: who made them, how far they reach, when they end."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from admin_api.models import AdminApiKey
from audit.models import AuditEvent
from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.hashing import sha256_hex

KEYS = "/admin/admin-keys"
UNKNOWN = f"aak_{'A' * 43}"


def make(operator, key=None, **members):
    body = {"name": "ann", "role": "viewer"} | members
    answer = operator.post(KEYS, body) if key is None else operator.post(KEYS, body, key=key)
    assert 201 == answer.status_code, answer.content
    return answer.json()


def actions():
    return list(AuditEvent.objects.order_by("id").values_list("action", "actor_id"))


@pytest.mark.shows("audit event", "admin_key.created")
def test_a_key_is_shown_once_and_stored_as_its_hash(operator):
    made = make(operator, role="operator", description="Ann at work", expires_in_days=30)

    row = AdminApiKey.objects.get()
    text = made.pop("admin_key")
    assert text.startswith("aak_")
    assert len("aak_") + 43 == len(text)
    assert (sha256_hex(text), text[:8]) == (row.key_hash, row.prefix)
    assert {
        "id": str(row.pk),
        "name": "ann",
        "description": "Ann at work",
        "prefix": row.prefix,
        "role": "operator",
        "allowed": None,
        "state": "active",
        "created_by": "admin",
        "revoked_at": None,
        "last_used_at": None,
    } == {name: value for name, value in made.items() if name not in {"created_at", "expires_at"}}
    assert made == operator.get(f"{KEYS}/ann").json() == operator.get(f"{KEYS}/{row.pk}").json()
    assert [made] == operator.get(KEYS).json()["admin_keys"]
    event = AuditEvent.objects.get(action="admin_key.created")
    assert {"id": str(row.pk), "name": "ann", "role": "operator"} == event.detail
    assert text not in json.dumps([list(map(str, one)) for one in AuditEvent.objects.values_list()])


def test_a_key_names_its_holder_in_the_record(operator):
    key = make(operator, role="operator")["admin_key"]

    answer = operator.post(
        "/admin/users", {"email": "a@example.com", "password": "a long pass phrase"}, key=key
    )

    assert 201 == answer.status_code
    assert ("user.created", "admin-key:ann") in actions()


def test_keys_work_without_the_shared_one(operator, override_config):
    key = make(operator)["admin_key"]
    override_config(admin={"api_key": ""})

    assert 200 == operator.get("/admin/users", key=key).status_code
    assert 401 == operator.get("/admin/users").status_code


def test_use_is_noted_once_a_minute(operator, frozen_clock):
    key = make(operator)["admin_key"]

    def used():
        operator.get("/admin/users", key=key)
        return AdminApiKey.objects.get().last_used_at

    first = used()
    frozen_clock.shift(59)
    assert first == used() == clock.now() - timedelta(seconds=59)
    frozen_clock.shift(1)
    assert first + timedelta(minutes=1) == used()


@pytest.mark.shows("audit event", "admin_key.revoked")
def test_a_revoked_key_opens_nothing(operator):
    made = make(operator)

    answer = operator.post(f"{KEYS}/{made['id']}/revoke")

    assert (200, "revoked") == (answer.status_code, answer.json()["state"])
    assert answer.json() == operator.post(f"{KEYS}/ann/revoke").json()
    refused = operator.get("/admin/users", key=made["admin_key"])
    assert (401, "invalid API key") == (refused.status_code, refused.json()["detail"])
    assert 1 == AuditEvent.objects.filter(action="admin_key.revoked").count()
    failed = AuditEvent.objects.get(action="admin.auth_failed")
    assert ("admin-key:ann", {"reason": "key_revoked"}) == (failed.actor_id, failed.detail)


def test_an_expired_key_opens_nothing_from_that_second_on(operator, frozen_clock):
    made = make(operator, expires_in_days=1)

    frozen_clock.shift(86_399)
    assert 200 == operator.get("/admin/users", key=made["admin_key"]).status_code
    frozen_clock.shift(1)
    assert 401 == operator.get("/admin/users", key=made["admin_key"]).status_code
    assert "expired" == operator.get(f"{KEYS}/ann").json()["state"]
    failed = AuditEvent.objects.get(action="admin.auth_failed")
    assert ("admin-key:ann", {"reason": "key_expired"}) == (failed.actor_id, failed.detail)


def test_guessed_keys_count_like_any_others(operator, frozen_clock):
    good = make(operator)["admin_key"]
    for _ in range(10):
        assert 401 == operator.get("/admin/users", key=UNKNOWN).status_code

    answer = operator.get("/admin/users", key=good)

    assert (429, "slow_down") == (answer.status_code, answer.json()["error"])
    assert 10 == AuditEvent.objects.filter(action="admin.auth_failed").count()
    frozen_clock.shift(62)
    assert 200 == operator.get("/admin/users", key=good).status_code


@pytest.mark.parametrize(
    ("members", "about"),
    [
        ({"name": ""}, "name"),
        ({"name": "ann b"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "018f3a5c-0000-7000-8000-000000000001"}, "name"),
        ({"name": 7}, "name"),
        ({"role": "root"}, "role"),
        ({"role": None}, "role"),
        ({"allowed": []}, "allowed"),
        ({"allowed": ["userz"]}, "allowed"),
        ({"allowed": ["DELETE /admin/userz"]}, "allowed"),
        ({"allowed": "users"}, "allowed"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 3651}, "expires_in_days"),
        ({"expires_in_days": "7"}, "expires_in_days"),
        ({"owner": True}, "owner"),
    ],
)
def test_what_is_no_key_is_refused(operator, members, about):
    answer = operator.post(KEYS, {"name": "ann", "role": "viewer"} | members)

    assert (400, True) == (answer.status_code, about in answer.json()["detail"])
    assert not AdminApiKey.objects.exists()


def test_a_name_is_never_used_again(operator):
    make(operator)
    operator.post(f"{KEYS}/ann/revoke")

    answer = operator.post(KEYS, {"name": "ann", "role": "owner"})

    assert (409, "conflict") == (answer.status_code, answer.json()["error"])
    assert 1 == AdminApiKey.objects.count()


@pytest.mark.parametrize("key", ["018f3a5c-0000-7000-8000-000000000001", "nobody", "a%00b"])
def test_unknown_keys(operator, key):
    assert 404 == operator.get(f"{KEYS}/{key}").status_code
    assert 404 == operator.post(f"{KEYS}/{key}/revoke").status_code


# --- Narrowed keys ----------------------------------------------------------------------------


def test_a_key_narrowed_to_a_noun(operator):
    key = make(operator, role="owner", allowed=["users"])["admin_key"]

    assert 200 == operator.get("/admin/users", key=key).status_code
    answer = operator.get("/admin/clients", key=key)
    assert (403, "this key is not allowed to use this operation") == (
        answer.status_code, answer.json()["detail"],
    )  # fmt: skip


@pytest.mark.shows("audit event", "admin.access_denied")
def test_a_key_narrowed_to_an_operation(operator):
    key = make(operator, role="operator", allowed=["GET /admin/users/{user_id}"])["admin_key"]
    user = User.objects.create_user(email="b@example.com")

    assert 200 == operator.get(f"/admin/users/{user.pk}", key=key).status_code
    head = operator.http.head(f"/admin/users/{user.pk}", headers={"authorization": f"Bearer {key}"})
    assert 200 == head.status_code
    assert 403 == operator.get("/admin/users", key=key).status_code
    assert 403 == operator.patch(f"/admin/users/{user.pk}", {"name": "B"}, key=key).status_code
    row = AuditEvent.objects.filter(action="admin.access_denied").latest("id")
    assert "admin-key:ann" == row.actor_id
    assert {
        "operation": "PATCH /admin/users/{user_id}", "needed": "operator", "role": "operator",
    } == row.detail  # fmt: skip


def test_being_narrowed_does_not_widen_a_role(operator):
    key = make(operator, role="viewer", allowed=["users"])["admin_key"]

    assert 403 == operator.post("/admin/users", {"email": "c@example.com"}, key=key).status_code
    assert not User.objects.exists()


# --- What a key makes -------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [None, ["admin-keys", "users"], ["users", "clients"]])
def test_a_narrowed_key_makes_none_that_reaches_further(operator, allowed):
    key = make(operator, role="owner", allowed=["admin-keys"])["admin_key"]

    answer = operator.post(KEYS, {"name": "b", "role": "owner", "allowed": allowed}, key=key)

    assert (403, "access_denied") == (answer.status_code, answer.json()["error"])
    assert 1 == AdminApiKey.objects.count()


def test_a_narrowed_key_makes_one_that_is_narrower(operator):
    key = make(operator, role="owner", allowed=["admin-keys", "users"])["admin_key"]

    made = make(operator, key, name="b", allowed=["GET /admin/users"])

    assert "admin-key:ann" == made["created_by"]


@pytest.mark.parametrize("days", [None, 30])
def test_what_a_key_makes_does_not_outlive_it(operator, days):
    mother = make(operator, role="owner", expires_in_days=7)

    made = make(operator, mother["admin_key"], name="b", role="owner", expires_in_days=days)

    assert mother["expires_at"] == made["expires_at"]


def test_a_key_that_ends_appoints_no_staff(operator):
    user = User.objects.create_user(email="d@example.com")
    key = make(operator, role="owner", expires_in_days=7)["admin_key"]

    answer = operator.post("/admin/staff", {"user_id": str(user.pk), "role": "owner"}, key=key)

    assert 403 == answer.status_code
    assert not User.objects.filter(is_staff=True).exists()


def test_only_so_many_refusals_of_one_operator_are_recorded(operator):
    key = make(operator)["admin_key"]

    statuses = {operator.post(KEYS, {}, key=key).status_code for _ in range(40)}

    assert {403} == statuses
    assert 30 <= AuditEvent.objects.filter(action="admin.access_denied").count() < 40
