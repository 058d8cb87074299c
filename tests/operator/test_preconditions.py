"""`ETag` and `If-Match`: nobody overwrites what they have not seen (RFC 9110 section 13.1.1)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tests.support.digests import nothing_changes
from tests.support.factories import make_user

MACHINE = {
    "client_name": "nightly",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "client_secret_basic",
}


@pytest.fixture
def user():
    return make_user(email="ada@example.com")


@pytest.fixture
def path(user):
    return f"/admin/users/{user.pk}"


def test_what_is_shown_carries_its_tag_and_a_change_the_next_one(operator, path):
    tag = operator.get(path).headers["ETag"]

    answer = operator.patch(path, {"name": "Ada"}, if_match=tag)

    assert answer.status_code == 200
    assert answer.headers["ETag"] == operator.get(path).headers["ETag"] != tag


def test_what_was_changed_meanwhile_is_left_alone(operator, path):
    tag = operator.get(path).headers["ETag"]
    operator.patch(path, {"name": "Ada"})

    with nothing_changes():
        answer = operator.patch(path, {"name": "Eve"}, if_match=tag)

    assert (answer.status_code, answer.json()["error"]) == (412, "conflict")
    assert answer.headers["ETag"] == operator.get(path).headers["ETag"]


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("*", 200),
        ('"0", {tag}', 200),
        ("W/{tag}", 412),
        ('"no-such-tag"', 412),
        ("1", 400),
        ('"1', 400),
        ("{tag};", 400),
    ],
)
def test_the_header_is_read_as_written(operator, path, condition, status):
    tag = operator.get(path).headers["ETag"]

    answer = operator.patch(path, {"name": "Ada"}, if_match=condition.format(tag=tag))

    assert answer.status_code == status


def test_what_is_gone_is_said_by_the_route(operator):
    answer = operator.patch("/admin/users/nobody", {"name": "Ada"}, if_match='"1"')

    assert answer.status_code == 404


def test_every_kind_of_entry_that_can_be_changed_has_a_tag(operator):
    """A viewset with a `change` says which rows it changes, or is on this list with its reason."""
    from admin_api.operations import routed

    changing = {view for _, _, view, action in routed() if action == "change"}
    without = {view.__name__ for view in changing if view.versioned is None}

    # Rows without a version, each with one member that can be changed: the last one counts.
    assert without <= {
        "ApiKeys", "AccessGroups", "ApprovalSettings", "RegistrationSettings", "Staff",
        "LimitSettings", "NoticeSettings",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("create", "body", "one"),
    [
        ("/admin/clients", MACHINE, "/admin/clients/{client_id}"),
        (
            "/admin/resources",
            {"slug": "files", "uri": "https://files.example.com", "backend_kind": "mint"},
            "/admin/resources/{id}",
        ),
        (
            "/admin/broker-providers",
            {
                "slug": "pasted",
                "display_name": "Pasted",
                "protocol": "api_key",
                "config_data": {"header_name": "X-Api-Key"},
            },
            "/admin/broker-providers/{id}",
        ),
    ],
)
def test_removing_keeps_to_the_condition_too(operator, create, body, one):
    made = operator.post(create, body)
    assert made.status_code == 201, made.text
    where = one.format(**made.json())
    tag = operator.get(where).headers["ETag"]

    with nothing_changes():
        assert operator.delete(where, if_match='"77"').status_code == 412
    assert operator.delete(where, if_match=tag).status_code == 204
    assert operator.get(where).status_code == 404


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_who_saw_the_same_version_one_wins(operator, path):
    tag = operator.get(path).headers["ETag"]

    def change(number):
        try:
            return operator.patch(path, {"name": f"number {number}"}, if_match=tag).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(change, range(8)))

    assert statuses == [200] + [412] * 7
