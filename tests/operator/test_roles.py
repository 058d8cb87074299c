"""Staff and their roles: who appoints them, what the console lets them do, who stays."""

from __future__ import annotations

import uuid

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.test import Client as Browser
from django.urls import reverse

from admin_api.administrators import keys, staff
from admin_api.models import StaffRole
from admin_api.operations import Role
from audit.models import AuditEvent
from authplane.accounts.errors import LastOwner
from authplane.accounts.models import User
from tests.support.factories import make_user

STAFF = "/admin/staff"
MODELS = {
    "oauth.client": Role.OPERATOR,
    "oauth.signingkey": Role.SECURITY,
    "admin_api.adminapikey": Role.OWNER,
}


def grant(operator, user, role):
    return operator.post(STAFF, {"user_id": str(user.pk), "role": role})


def fresh(user):
    return User.objects.get(pk=user.pk)


@pytest.mark.shows("audit event", "staff.role_granted")
def test_an_appointed_user(operator):
    user = make_user()

    answer = grant(operator, user, "security")

    assert 201 == answer.status_code
    shown = answer.json()
    assert {
        "user_id": str(user.pk), "email": user.email, "name": "", "status": "active",
        "role": "security", "granted_by": "admin",
    } == {name: value for name, value in shown.items() if name != "granted_at"}  # fmt: skip
    assert shown == operator.get(f"{STAFF}/{user.pk}").json()
    assert [shown] == operator.get(STAFF).json()["staff"]
    assert (True, False) == (fresh(user).is_staff, fresh(user).is_superuser)
    row = AuditEvent.objects.get(action="staff.role_granted")
    assert ("admin", {"user": str(user.pk), "role": "security"}) == (row.actor_id, row.detail)


def test_another_role(operator):
    user = make_user()
    grant(operator, user, "viewer")

    answer = operator.patch(f"{STAFF}/{user.pk}", {"role": "owner"})

    assert (200, "owner") == (answer.status_code, answer.json()["role"])
    assert fresh(user).is_superuser
    row = AuditEvent.objects.filter(action="staff.role_granted").latest("id")
    assert {"user": str(user.pk), "role": "owner", "before": "viewer"} == row.detail
    again = operator.patch(f"{STAFF}/{user.pk}", {"role": "owner"})
    assert 200 == again.status_code
    assert 2 == AuditEvent.objects.filter(action="staff.role_granted").count()


@pytest.mark.shows("audit event", "staff.role_revoked")
def test_dismissed(operator):
    user = make_user()
    grant(operator, user, "operator")

    assert 204 == operator.delete(f"{STAFF}/{user.pk}").status_code

    assert (False, None) == (fresh(user).is_staff, staff.role_of(fresh(user)))
    assert 404 == operator.get(f"{STAFF}/{user.pk}").status_code
    row = AuditEvent.objects.get(action="staff.role_revoked")
    assert {"user": str(user.pk), "role": "operator"} == row.detail


@pytest.mark.parametrize("body", [{}, {"role": "root"}, {"role": "viewer", "more": 1}])
def test_bad_bodies(operator, body):
    user = make_user()

    assert 400 == operator.post(STAFF, {"user_id": str(user.pk)} | body).status_code
    grant(operator, user, "viewer")
    assert 400 == operator.patch(f"{STAFF}/{user.pk}", body).status_code
    assert "viewer" == StaffRole.objects.get().role


def test_only_active_users_are_appointed(operator):
    disabled = make_user(status=User.Status.DISABLED)

    for user_id in (str(disabled.pk), str(uuid.uuid4()), "nobody"):
        answer = operator.post(STAFF, {"user_id": user_id, "role": "viewer"})
        assert 404 == answer.status_code
    assert 404 == operator.patch(f"{STAFF}/{make_user().pk}", {"role": "viewer"}).status_code
    assert not StaffRole.objects.exists()


# --- The last owner ---------------------------------------------------------------------------


@pytest.fixture
def owner(operator):
    user = make_user()
    grant(operator, user, "owner")
    return user


def attempts(operator, user):
    return {
        "demoted": lambda: operator.patch(f"{STAFF}/{user.pk}", {"role": "viewer"}),
        "dismissed": lambda: operator.delete(f"{STAFF}/{user.pk}"),
        "disabled": lambda: operator.patch(f"/admin/users/{user.pk}/disable"),
    }


@pytest.mark.parametrize("attempt", ["demoted", "dismissed", "disabled"])
def test_the_last_owner_stays(operator, owner, attempt):
    make_user(is_superuser=True, is_staff=True, status=User.Status.DISABLED)

    answer = attempts(operator, owner)[attempt]()

    assert (409, True) == (answer.status_code, "last owner" in answer.json()["detail"])
    assert (True, "active") == (fresh(owner).is_superuser, fresh(owner).status)
    assert "owner" == StaffRole.objects.get().role


@pytest.mark.parametrize("attempt", ["demoted", "dismissed", "disabled"])
def test_one_of_two_owners_may_go(operator, owner, attempt):
    grant(operator, make_user(), "owner")

    assert attempts(operator, owner)[attempt]().status_code in {200, 204}


def test_the_last_owner_is_not_deleted(owner):
    row = fresh(owner)

    with pytest.raises(LastOwner), transaction.atomic():
        row.delete()
    assert User.objects.filter(pk=owner.pk).exists()


def test_commands_are_told_as_well(owner):
    with pytest.raises(CommandError, match="last owner"):
        call_command("disable_user", str(owner.pk))


@pytest.mark.parametrize("verb", ["change", "disable", "delete"])
@pytest.mark.parametrize("role", ["security", "owner"])
def test_nobody_touches_those_above(operator, role, verb):
    grant(operator, make_user(), "owner")
    above, key = make_user(), keys.create_key(name="k", role="operator")[1]
    grant(operator, above, role)
    place = f"/admin/users/{above.pk}"

    answer = {
        "change": lambda: operator.patch(place, {"email": "mine@example.com"}, key=key),
        "disable": lambda: operator.patch(f"{place}/disable", key=key),
        "delete": lambda: operator.delete(place, key=key),
    }[verb]()

    assert (403, role) == (answer.status_code, answer.json()["needed_role"])
    assert (above.email, "active") == (fresh(above).email, fresh(above).status)
    row = AuditEvent.objects.filter(action="admin.access_denied").latest("id")
    assert ("admin-key:k", role) == (row.actor_id, row.detail["needed"])


def test_those_below_can_be_changed(operator):
    below, key = make_user(), keys.create_key(name="k", role="operator")[1]
    grant(operator, below, "viewer")

    assert 200 == operator.patch(f"/admin/users/{below.pk}/disable", key=key).status_code


# --- The console ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("model", MODELS)
def test_permissions_follow_from_the_role(db, role, model):
    user = make_user()
    staff.grant_role(str(user.pk), role=role)
    app, name = model.split(".")

    someone = fresh(user)

    assert someone.has_perm(f"{app}.view_{name}")
    assert someone.has_module_perms(app)
    for verb in ("add", "change", "delete"):
        assert role.may(MODELS[model]) == someone.has_perm(f"{app}.{verb}_{name}")


@pytest.mark.parametrize(
    "fields", [{}, {"is_staff": True}, {"is_staff": True, "status": User.Status.DISABLED}]
)
def test_who_has_no_role_may_nothing(db, fields):
    user = make_user(**fields)
    if "status" in fields:
        StaffRole.objects.create(user=user, role="owner")

    assert not user.has_perm("oauth.view_client")
    assert not user.has_module_perms("oauth")
    assert staff.role_of(user) is None


def test_a_page_asks_for_the_role_once(db, query_budget):
    user = make_user()
    staff.grant_role(str(user.pk), role="viewer")
    someone = fresh(user)

    with query_budget(3):  # The role, and what Django itself stores of users and groups.
        for name in ("client", "resource", "signingkey"):
            assert someone.has_perm(f"oauth.view_{name}")


@pytest.mark.parametrize(("role", "status"), [("viewer", 200), (None, 302)])
def test_the_console_opens_to_staff(db, role, status):
    user = make_user()
    if role:
        staff.grant_role(str(user.pk), role=role)
    browser = Browser()
    browser.force_login(user)

    assert status == browser.get("/console/oauth/client/").status_code
    assert 401 == browser.get("/admin/users").status_code


@pytest.mark.parametrize(("role", "status"), [("operator", 403), ("owner", 200)])
def test_the_console_protects_staff_as_well(db, role, status):
    owner, someone = make_user(), make_user()
    staff.grant_role(str(owner.pk), role="owner")
    staff.grant_role(str(someone.pk), role=role)
    browser = Browser()
    browser.force_login(someone)

    answer = browser.get(reverse("admin:person-do", args=[owner.pk, "disable"]))

    assert status == answer.status_code
