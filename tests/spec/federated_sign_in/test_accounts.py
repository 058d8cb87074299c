"""Which user somebody is: by provider and subject, never by e-mail address."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from authplane.accounts.models import User
from broker.models import FederatedIdentity
from broker.signin import accounts
from broker.signin.services import patch_provider
from tests.spec.federated_sign_in.test_hop import nothing_happened, reason
from tests.support.connecting import title_of
from tests.support.factories import make_user
from tests.support.openid import register, running_openid


def test_the_same_person_is_the_same_user(visitor):
    visitor.sign_in()
    visitor.sign_in()

    assert 1 == User.objects.count() == FederatedIdentity.objects.count()


def test_the_same_subject_elsewhere_is_another_user(visitor, world):
    visitor.sign_in()
    with running_openid() as other:
        register(other, slug="other")
        visitor.world = other
        other.person = world.person | {"email": None}
        assert 303 == visitor.sign_in("other").status_code

    assert 2 == User.objects.count()


def test_an_account_with_the_address_is_not_taken_over(visitor):
    """Whoever may choose an address at a provider would otherwise be anybody."""
    theirs = make_user(email="ann@example.com")
    page = visitor.sign_in()

    assert (409, "There is an account with your e-mail address already") == (
        page.status_code, title_of(page),
    )  # fmt: skip
    assert "email_in_use" == reason()
    assert not visitor.is_signed_in()
    assert not FederatedIdentity.objects.exists()
    theirs.refresh_from_db()
    assert "local" == theirs.provider


@pytest.mark.shows("audit event", "identity.unlinked")
def test_an_operator_links_it(visitor, acme):
    theirs = make_user(email="ann@example.com", role="admin")
    accounts.link(provider=acme, subject="ann-1", user=theirs)

    assert 303 == visitor.sign_in().status_code
    assert theirs == FederatedIdentity.objects.get().user
    patch_provider(acme.pk, {"role_map": {"staff": "admin"}})
    visitor.sign_in()
    theirs.refresh_from_db()
    assert ("admin", "local", True) == (theirs.role, theirs.provider, theirs.has_usable_password())

    accounts.unlink(provider=acme, subject="ann-1")
    assert 409 == visitor.sign_in().status_code
    assert AuditEvent.objects.filter(action="identity.unlinked").exists()


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_nobody_verified_counts_as_none(visitor, world, verified):
    make_user(email="ann@example.com")
    world.person["email_verified"] = verified

    assert 303 == visitor.sign_in().status_code
    assert User.objects.get(provider="acme").email is None


def test_what_the_provider_says_is_kept_up(visitor, world):
    visitor.sign_in()
    make_user(email="taken@example.com")
    for email, expected in (("ann@new.example", "ann@new.example"),
                            ("taken@example.com", "ann@new.example")):  # fmt: skip
        world.person |= {"email": email, "name": f"Ann of {email}"}
        assert 303 == visitor.sign_in().status_code
        user = User.objects.get(provider="acme")
        assert (expected, f"Ann of {email}") == (user.email, user.name)


def test_a_disabled_user(visitor):
    visitor.sign_in()
    User.objects.update(status="disabled")
    page = visitor.sign_in()

    assert (401, "Your account is switched off") == (page.status_code, title_of(page))
    assert not visitor.is_signed_in()
    failed = AuditEvent.objects.get(action="user.oidc_login_failed")
    assert str(User.objects.get().pk) == failed.actor_id


@pytest.mark.parametrize(
    ("email", "verified", "status"),
    [
        ("ann@example.com", True, 303),
        ("ann@EXAMPLE.com", True, 303),
        ("ann@example.com", False, 403),
        ("ann@sub.example.com", True, 403),
        ("ann@evil-example.com", True, 403),
        ("ann@example.com@evil.example", True, 403),
        ("ann@evil.example", True, 403),
        (None, True, 403),
    ],
)
def test_only_people_of_allowed_domains(visitor, world, acme, *, email, verified, status):
    patch_provider(acme.pk, {"allowed_domains": ["Example.com"]})
    world.person |= {"email": email, "email_verified": verified}

    assert status == visitor.sign_in().status_code
    assert (status == 303) == visitor.is_signed_in()
    assert status == 303 or nothing_happened(visitor)


def test_somebody_who_left_the_domain(visitor, world, acme):
    patch_provider(acme.pk, {"allowed_domains": ["example.com"]})
    visitor.sign_in()
    world.person["email"] = "ann@elsewhere.example"

    assert 403 == visitor.sign_in().status_code


def test_groups_make_roles_at_each_sign_in(visitor, world, acme):
    patch_provider(acme.pk, {"role_map": {"ops": "admin", "all": "user"}})
    for groups, role in (
        (["all", "ops"], "admin"),
        (["all"], "user"),
        ("ops", "admin"),
        ([], "user"),
    ):
        world.person["groups"] = groups
        visitor.sign_in()
        assert role == User.objects.get().role
        said = [groups] if isinstance(groups, str) else groups
        assert said == FederatedIdentity.objects.get().groups


def test_groups_of_another_claim_and_nonsense_in_it(visitor, world, acme):
    patch_provider(acme.pk, {"groups_claim": "https://acme.example/teams"})
    world.person["https://acme.example/teams"] = ["a", 7, None, "", "b\x00", "x" * 300, "a"]
    world.person["groups"] = ["not-this"]
    visitor.sign_in()

    assert ["a"] == FederatedIdentity.objects.get().groups
    assert "user" == User.objects.get().role


def test_what_the_id_token_leaves_out_is_asked_for(visitor, world, acme):
    world.document = {"userinfo_endpoint": f"{world.url}/userinfo"}
    world.userinfo = world.person | {"groups": ["staff"]}
    world.person = {"sub": "ann-1"}
    visitor.sign_in()

    assert "ann@example.com" == User.objects.get().email
    assert ["staff"] == FederatedIdentity.objects.get().groups
    assert world.last("/userinfo")["headers"]["authorization"].startswith("Bearer openid-access")


def test_userinfo_of_somebody_else(visitor, world):
    world.document = {"userinfo_endpoint": f"{world.url}/userinfo"}
    world.userinfo = world.person | {"sub": "somebody-else"}

    assert 401 == visitor.sign_in().status_code
    assert nothing_happened(visitor)


def test_userinfo_that_does_not_answer_costs_nobody_the_sign_in(visitor, world):
    world.document = {"userinfo_endpoint": f"{world.url}/userinfo"}

    assert 303 == visitor.sign_in().status_code
