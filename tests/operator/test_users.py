"""`/admin/users` and the commands about users."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from authplane.accounts.models import User
from authplane.core.management.actor import command_actor
from tests.support.factories import make_user

GOOD = {"email": "Ada@Example.com", "password": "a long enough passphrase"}


def test_a_user_is_created_as_told(operator):
    answer = operator.post("/admin/users", {**GOOD, "name": "Ada", "role": "admin"})

    assert 201 == answer.status_code
    user = User.objects.get()
    body = answer.json()
    assert body == {
        "id": str(user.pk), "email": "ada@example.com", "name": "Ada", "role": "admin",
        "status": "active", "provider": "local", "created_at": body["created_at"],
    }  # fmt: skip
    assert user.check_password(GOOD["password"])
    assert not user.is_staff
    assert body == operator.get(f"/admin/users/{user.pk}").json()


@pytest.mark.shows("audit event", "user.created")
def test_the_record_names_operator_and_user_but_no_address(operator):
    operator.post("/admin/users", GOOD)

    row = AuditEvent.objects.get(action="user.created")
    assert ("admin", {"user": str(User.objects.get().pk)}) == (row.actor_id, row.detail)
    assert "example.com" not in f"{row.detail}{row.personal}"


@pytest.mark.parametrize("role", ["user", "root", ""])
def test_any_other_role_is_an_ordinary_user(operator, role):
    operator.post("/admin/users", {**GOOD, "role": role})

    assert "user" == User.objects.get().role


def test_an_email_is_taken_in_any_case(operator):
    make_user(email="ada@example.com")

    answer = operator.post("/admin/users", GOOD)

    assert (409, "conflict", "user with this email already exists") == (
        answer.status_code, answer.json()["error"], answer.json()["detail"],
    )  # fmt: skip
    assert 1 == User.objects.count()
    assert not AuditEvent.objects.filter(action="user.created").exists()


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({"email": None}, ["email"]),
        ({"email": "nobody"}, ["email"]),
        ({"email": 7}, ["email"]),
        ({"email": "a\u0000@example.com"}, ["email"]),
        ({"email": "\ud800@example.com"}, ["not valid UTF-8"]),
        ({"email": f"{'a' * 300}@example.com"}, ["email"]),
        ({"password": "short"}, ["password"]),
        ({"password": "password1234"}, ["password"]),
        ({"password": "ada@example.com"}, ["password"]),
        ({"password": 123456789012}, ["password"]),
        ({"password": "x" * 2000}, ["password"]),
        ({"name": "a\nb"}, ["name"]),
        ({"name": "n" * 256}, ["name"]),
        ({"name": True}, ["name"]),
        ({"role": ["admin"]}, ["role"]),
        ({"is_staff": True}, ["is_staff: is not a known field"]),
        ({"email": "nobody", "password": "short", "id": "7"}, ["email", "password", "id"]),
        ({"<script>": 1}, ["a field: is not a known field"]),
    ],
)
def test_every_problem_is_told_and_nothing_is_created(operator, change, problems):
    answer = operator.post("/admin/users", {**GOOD, **change})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    for problem in problems:
        assert problem in answer.json()["detail"]
    assert "<script" not in answer.content.decode()
    assert not User.objects.exists()


def test_members_that_are_missing_are_named(operator):
    answer = operator.post("/admin/users", {})

    assert (
        "email: this field is required; password: this field is required"
        == (answer.json()["detail"])
    )


@pytest.mark.parametrize("user_id", ["7", "01890000-0000-7000-8000-000000000000", "x" * 300])
def test_an_unknown_user_is_not_found(operator, user_id):
    answer = operator.get(f"/admin/users/{user_id}")

    assert (404, "user not found") == (answer.status_code, answer.json()["detail"])


def test_users_are_listed_newest_first_page_by_page(operator):
    made = [make_user().email for _ in range(5)]

    first = operator.get("/admin/users?limit=2").json()
    second = operator.get(f"/admin/users?limit=2&cursor={first['next_cursor']}").json()
    last = operator.get(f"/admin/users?limit=2&cursor={second['next_cursor']}").json()

    pages = [[user["email"] for user in page["users"]] for page in (first, second, last)]
    assert [made[:2:-1], made[2:0:-1], made[:1]] == pages
    assert ([5, 5, 5], None) == (
        [page["total"] for page in (first, second, last)],
        last["next_cursor"],
    )
    offset = operator.get("/admin/users?limit=2&offset=2").json()
    assert second["users"] == offset["users"]


def test_a_list_never_shows_what_signs_in(operator):
    user = make_user(provider_sub="subject-elsewhere")

    text = operator.get("/admin/users").content.decode()

    assert user.password not in text
    assert "subject-elsewhere" not in text


@pytest.mark.parametrize(
    "query",
    [
        "limit=x", "limit=1.5", "limit=99999999999999999999", "offset=-1", "offset=x",
        "offset=99999999999", "cursor=x", "cursor=AAAA", "offset=1&cursor=AZ-h_VAgcMOs97hq2KSsCQ",
        "status=active", "limit=1&limit=2",
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_read_is_refused(operator, query):
    answer = operator.get(f"/admin/users?{query}")

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


def test_a_limit_below_one_is_the_default(operator):
    make_user()

    assert 1 == len(operator.get("/admin/users?limit=0").json()["users"])


# --- Commands ---------------------------------------------------------------------------------


def test_the_command_generates_a_password_and_shows_it_once(db, capsys):
    call_command(
        "create_user", "--email", "Ada@example.com", "--name", "Ada", "--generate", "--json"
    )

    printed = json.loads(capsys.readouterr().out)
    user = User.objects.get()
    assert (str(user.pk), "ada@example.com", "Ada", "user") == (
        printed["id"], printed["email"], printed["name"], printed["role"],
    )  # fmt: skip
    assert user.check_password(printed["password"])
    row = AuditEvent.objects.get(action="user.created")
    assert (command_actor(), "") == (row.actor_id, row.personal)


def test_the_command_reads_the_password_from_standard_input(db, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough passphrase\n"))

    call_command("create_user", "--email", "ada@example.com", "--password-stdin")

    assert User.objects.get().check_password("a long enough passphrase")
    printed = capsys.readouterr().out
    assert printed.startswith("user created: id=")
    assert "passphrase" not in printed


@pytest.mark.parametrize(
    ("email", "password", "problem"),
    [
        ("nobody", "a long enough passphrase", "not a valid address"),
        ("ada@example.com", "short", "too short"),
        ("taken@example.com", "a long enough passphrase", "already exists"),
    ],
)
def test_the_command_refuses_and_creates_nothing(db, monkeypatch, email, password, problem):
    make_user(email="taken@example.com")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))

    with pytest.raises(CommandError, match=problem):
        call_command("create_user", "--email", email, "--password-stdin")
    assert 1 == User.objects.count()


def test_without_a_terminal_the_command_says_how(db, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    with pytest.raises(CommandError, match="--password-stdin"):
        call_command("create_user", "--email", "ada@example.com")


def test_the_password_is_no_argument(db):
    with pytest.raises(CommandError, match="unrecognized arguments"):
        call_command("create_user", "--email", "ada@example.com", "--password", "secret")


def test_users_are_listed_by_command(db, capsys):
    call_command("list_users")
    assert "no users found" == capsys.readouterr().out.strip()
    user = make_user()

    call_command("list_users", "--json")

    listed = json.loads(capsys.readouterr().out)
    assert {"id": str(user.pk), "email": user.email, "role": "user", "status": "active"} == (
        listed["users"][0]
    )
    assert 1 == listed["total"]


@pytest.mark.shows("audit event", "user.disabled", "user.enabled")
def test_a_user_is_disabled_and_enabled_by_command(db, capsys):
    user = make_user()

    call_command("disable_user", user.email, "--json")
    user.refresh_from_db()
    assert ("disabled", "disabled") == (user.status, json.loads(capsys.readouterr().out)["status"])
    with pytest.raises(CommandError, match="from disabled to disabled"):
        call_command("disable_user", str(user.pk))
    call_command("disable_user", str(user.pk), "--undo")

    user.refresh_from_db()
    assert "active" == user.status
    assert ["user.disabled", "user.enabled"] == list(
        AuditEvent.objects.order_by("id").values_list("action", flat=True)
    )


def test_disabling_somebody_unknown_fails(db):
    with pytest.raises(CommandError, match="user not found"):
        call_command("disable_user", "nobody@example.com")


# --- Changes ----------------------------------------------------------------------------------


@pytest.mark.shows("audit event", "user.updated")
def test_a_user_is_changed_in_part(operator):
    user = make_user(email="old@example.com", name="Old")

    answer = operator.call("PATCH", f"/admin/users/{user.pk}", {"email": "New@example.com"})

    assert (200, "new@example.com", "Old") == (
        answer.status_code, answer.json()["email"], answer.json()["name"],
    )  # fmt: skip
    assert {"user": str(user.pk)} == AuditEvent.objects.get(action="user.updated").detail


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"email": "nobody"}, 400),
        ({"email": None}, 400),
        ({"name": "a\nb"}, 400),
        ({"role": "admin"}, 400),
        ({"password": "a long enough passphrase"}, 400),
        ({"email": "taken@example.com"}, 409),
        ({}, 200),
    ],
)
def test_a_bad_change_changes_nothing(operator, change, status):
    make_user(email="taken@example.com")
    user = make_user(email="old@example.com", name="Old")

    answer = operator.call(
        "PATCH", f"/admin/users/{user.pk}", {"name": "New"} | change if change else {}
    )

    assert status == answer.status_code
    user.refresh_from_db()
    assert ("old@example.com", "Old", "user") == (user.email, user.name, user.role)
    assert not AuditEvent.objects.filter(action="user.updated").exists()


def test_a_user_is_disabled_and_enabled(operator):
    user = make_user()

    def move(action):
        answer = operator.call("PATCH", f"/admin/users/{user.pk}/{action}")
        return answer.status_code, answer.json().get("status", answer.json().get("detail"))

    assert 409 == move("enable")[0]
    assert (200, "disabled") == move("disable")
    assert 409 == move("disable")[0]
    assert (200, "active") == move("enable")
    assert [("user.disabled", "admin"), ("user.enabled", "admin")] == list(
        AuditEvent.objects.order_by("id").values_list("action", "actor_id")
    )


@pytest.mark.parametrize("action", ["", "/disable", "/enable"])
def test_nobody_unknown_is_changed(operator, action):
    answer = operator.call("PATCH", f"/admin/users/7{action}", {})

    assert (404, "user not found") == (answer.status_code, answer.json()["detail"])
