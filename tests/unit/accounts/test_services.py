"""Accounts: how they are made, changed, disabled and enabled."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import identify_hasher
from django.test import override_settings

from audit.models import AuditEvent
from authplane.accounts import selectors, services
from authplane.accounts.errors import BadEmail, BadName, EmailTaken, WeakPassword, WrongState
from authplane.accounts.managers import fold_email
from authplane.accounts.models import User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"


def make(email="ann@example.com", password=PASSWORD, **fields):
    return services.create_user(email=email, password=password, **fields)


def actions():
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_a_new_account_can_sign_in_and_is_recorded():
    user = make("  Ann@Example.COM ", name=" Ann ", role="admin", actor="operator")

    assert (user.email, user.name, user.role, user.status) == (
        "ann@example.com", "Ann", "admin", "active",
    )  # fmt: skip
    assert user.id.version == 7
    assert not user.is_staff
    assert authenticate(None, email="ann@example.com", password=PASSWORD) == user
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.detail) == (
        "user.created", "operator", {"user": str(user.id)},
    )  # fmt: skip


def test_any_other_role_is_user():
    assert make(role="root").role == "user"


@override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.Argon2PasswordHasher"])
def test_passwords_are_hashed_with_argon2():
    assert identify_hasher(make().password).algorithm == "argon2"


@pytest.mark.parametrize("email", ["ann@example.com", "ANN@EXAMPLE.COM", " Ann@example.com"])
def test_one_address_has_one_account_in_whatever_case(email):
    make()

    with pytest.raises(EmailTaken):
        make(email)
    assert User.objects.count() == 1
    assert actions() == ["user.created"]


def test_many_accounts_may_lack_an_address():
    make(None)
    make(None)

    assert User.objects.filter(email=None).count() == 2


@pytest.mark.parametrize(
    "email", ["ann", "@example.com", "ann@", "a b@example.com", "a@b\x00.com", "a" * 250 + "@b.com"]
)
def test_a_malformed_address_is_refused(email):
    with pytest.raises(BadEmail):
        make(email)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password",
    ["", "short", "password1234", "123456789012345", "ann@example.com", "a\x00" * 10, "x" * 1025],
)
def test_a_weak_password_is_refused_with_its_reasons(password):
    with pytest.raises(WeakPassword) as caught:
        make(password=password)
    assert caught.value.problems
    assert all(problem.endswith(".") for problem in caught.value.problems)
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["x" * 256, "a\nb", "a\x00b"])
def test_an_odd_name_is_refused(name):
    with pytest.raises(BadName):
        make(name=name)


def test_without_a_password_nobody_signs_in():
    user = make(password=None)

    assert not user.has_usable_password()
    assert authenticate(None, email="ann@example.com", password="") is None


def test_a_disabled_account_cannot_sign_in_until_it_is_enabled():
    user = make()
    services.disable_user(user_id=user.id, actor="operator")

    assert authenticate(None, email="ann@example.com", password=PASSWORD) is None
    services.enable_user(user_id=user.id)
    assert authenticate(None, email="ann@example.com", password=PASSWORD) == user
    assert actions() == ["user.created", "user.disabled", "user.enabled"]
    user.refresh_from_db()
    assert user.version == 3


def test_a_state_cannot_be_entered_twice():
    user = make()

    with pytest.raises(WrongState, match="from active to active"):
        services.enable_user(user_id=user.id)
    services.disable_user(user_id=user.id)
    with pytest.raises(WrongState, match="from disabled to disabled"):
        services.disable_user(user_id=user.id)
    assert actions() == ["user.created", "user.disabled"]


def test_an_unknown_account_cannot_be_disabled():
    with pytest.raises(User.DoesNotExist):
        services.disable_user(user_id=uuid.uuid4())


def test_a_new_password_replaces_the_old_one_and_ends_sessions():
    user = make()
    before = user.get_session_auth_hash()

    services.set_password(user=user, password="another long passphrase")

    assert authenticate(None, email="ann@example.com", password=PASSWORD) is None
    assert authenticate(None, email="ann@example.com", password="another long passphrase")
    assert user.get_session_auth_hash() != before
    with pytest.raises(WeakPassword):
        services.set_password(user=user, password="short")


def test_address_and_name_can_be_changed():
    user = make()
    make("bob@example.com")

    services.update_user(user=user, email="Carol@example.com", name="Carol")

    assert selectors.find_by_email("CAROL@example.com") == user
    assert selectors.find_user(str(user.id)).name == "Carol"
    with pytest.raises(EmailTaken):
        services.update_user(user=user, email="bob@example.com")
    with pytest.raises(BadEmail):
        services.update_user(user=user, email="bob")
    assert selectors.find_by_email("carol@example.com") == user


@pytest.mark.parametrize("user_id", ["", "x", "not-a-uuid", "0198f3a2-7d5c-7b1e-9a40-3c2e1f0a9b8d"])
def test_an_unknown_or_malformed_id_finds_nobody(user_id):
    assert selectors.find_user(user_id) is None


def test_users_are_listed_newest_first():
    first, second = make("a@example.com"), make("b@example.com")

    assert list(selectors.list_users()) == [second, first]


def test_managers_fold_addresses_too():
    User.objects.create_user(email="Dan@Example.com", password=PASSWORD)
    root = User.objects.create_superuser(email="Root@example.com", password=PASSWORD)

    assert User.objects.get_by_natural_key("DAN@example.COM").email == "dan@example.com"
    assert (root.is_staff, root.is_superuser, root.role) == (True, True, "admin")
    assert fold_email(" STRASSE@x.de") == fold_email("straße@x.de")


def test_unknown_accounts_cost_as_much_as_known_ones(monkeypatch):
    """Whoever measures the answer must not learn which addresses have accounts."""
    hashed = []
    original = User.set_password
    monkeypatch.setattr(
        User, "set_password", lambda self, raw: hashed.append(raw) or original(self, raw)
    )

    assert authenticate(None, email="nobody@example.com", password="guess") is None
    assert hashed == ["guess"]


def test_nobody_can_sign_up(rf):
    from allauth.account.adapter import get_adapter

    assert get_adapter().is_open_for_signup(rf.get("/")) is False
