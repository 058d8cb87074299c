"""Users in the console: what they hold, and how operators end it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from authplane.accounts.models import User
from authplane.core import clock
from broker.models import Connection
from broker.providers import services as providers
from oauth.models import AccessToken, ConsentGrant, TokenFamily
from tests.support.factories import make_client, make_resource, make_user
from tests.support.staff import ALL, desk, reaches

pytestmark = pytest.mark.django_db


class Ada:
    """A user who allowed an application, is signed in at it, and connected an account."""

    def __init__(self):
        now = clock.now()
        self.user, self.client, self.resource = make_user(), make_client(), make_resource()
        self.consent = ConsentGrant.objects.create(
            user=self.user, client=self.client, resource=self.resource, scopes=["read"]
        )
        self.family = TokenFamily.objects.create(
            client=self.client, user=self.user, resource=self.resource.uri, auth_time=now,
            expires_at=now + timedelta(days=1),
        )  # fmt: skip
        self.token = AccessToken.objects.create(
            kind="authorization_code", subject=str(self.user.pk), resource=self.resource.uri,
            application=self.client, user=self.user, family_id=self.family.pk,
            expires=now + timedelta(minutes=10),
        )  # fmt: skip
        provider = providers.create_provider(
            {"slug": "maps", "display_name": "Maps", "protocol": "api_key",
             "config_data": {"header_name": "X-Key"}}
        )  # fmt: skip
        self.connection = Connection.objects.create(
            user=self.user, provider=provider, status="active", connected_at=now
        )

    def url(self, action):
        """Where the action is asked and answered."""
        single = {
            "consent-revoke": self.consent, "family-end": self.family,
            "connection-end": self.connection,
        }  # fmt: skip
        if action in single:
            return reverse(f"admin:{action}", args=[single[action].pk])
        return reverse("admin:person-do", args=[self.user.pk, action])

    def state(self):
        """What an action may change."""
        user = User.objects.filter(pk=self.user.pk).first()
        return {
            "user": user.status if user else "gone",
            "signed_out": bool(user and user.signed_out_at),
            "consents": ConsentGrant.objects.filter(user=self.user.pk, revoked_at=None).count(),
            "families": TokenFamily.objects.filter(user=self.user.pk, revoked_at=None).count(),
            "tokens": AccessToken.objects.filter(user=self.user.pk, revoked_at=None).count(),
            "connections": Connection.objects.filter(user=self.user.pk, status="active").count(),
        }


HELD = {
    "user": "active", "signed_out": False, "consents": 1, "families": 1, "tokens": 1,
    "connections": 1,
}  # fmt: skip
ENDED = {
    "consent-revoke": ({"consents": 0, "families": 0, "tokens": 0}, "consent_grant.revoked_admin"),
    "family-end": ({"families": 0, "tokens": 0}, "token.revoked"),
    "connection-end": ({"connections": 0}, "broker_grant.revoked_admin"),
    "sign-out": ({"signed_out": True, "families": 0, "tokens": 0}, "user.force_logout"),
    "disable": ({"user": "disabled", "connections": 0}, "user.disabled"),
}


@pytest.fixture
def ada():
    return Ada()


def test_the_page_shows_what_the_user_holds(ada):
    page = desk("viewer").get(reverse("admin:person", args=[ada.user.pk])).content.decode()

    for text in (str(ada.client), ada.resource.display_name, "Maps", "1 access token", "1 sign-in"):
        assert text in page
    assert "Revoke" not in page, "a viewer is offered nothing"


@pytest.mark.parametrize("action", ENDED)
def test_what_is_reached_is_said_first_and_then_done(ada, action):
    operator, (changed, event) = desk("operator"), ENDED[action]

    asked = operator.get(ada.url(action))
    assert (200, HELD) == (asked.status_code, ada.state())
    assert b"What this does" in asked.content
    done = operator.post(ada.url(action))

    assert (302, HELD | changed) == (done.status_code, ada.state())
    rows = AuditEvent.objects.filter(action=event, actor_id=str(operator.person.pk))
    assert rows.exists()


def test_numbers_are_those_of_the_user(ada):
    asked = desk("operator").get(ada.url("sign-out")).content.decode()

    assert "1 application sign-in and 1 access token in force" in asked


def test_a_disabled_user_is_enabled_again(ada):
    operator = desk("operator")
    operator.post(ada.url("disable"))

    operator.post(ada.url("enable"))

    assert "active" == ada.state()["user"]


def test_a_user_with_tokens_is_deleted_only_on_a_second_word(ada):
    operator = desk("operator")

    refused = operator.post(ada.url("delete"))
    assert (409, HELD) == (refused.status_code, ada.state())
    assert b"Tick the box" in refused.content
    done = operator.post(ada.url("delete"), {"force": "on"})

    assert (302, "gone") == (done.status_code, ada.state()["user"])


def test_the_last_owner_is_not_disabled():
    owner = desk("owner")

    refused = owner.post(reverse("admin:person-do", args=[owner.person.pk, "disable"]))

    owner.person.refresh_from_db()
    assert (409, "active") == (refused.status_code, owner.person.status)
    assert b"appoint another owner first" in refused.content


@pytest.mark.parametrize("role", ALL)
@pytest.mark.parametrize("action", [*ENDED, "delete"])
def test_each_view_asks_for_the_role_itself(ada, role, action):
    answer = desk(role).post(ada.url(action))

    if reaches(role, "operator"):
        assert answer.status_code in {302, 409}
    else:
        assert (302 if role == "stranger" else 403, HELD) == (answer.status_code, ada.state())


@pytest.mark.parametrize("name", ["consent-revoke", "family-end", "connection-end", "person"])
def test_what_is_not_there_has_no_page(name):
    assert 404 == desk("owner").get(reverse(f"admin:{name}", args=[uuid.uuid4()])).status_code


def test_the_page_takes_as_many_statements_whatever_the_user_holds(
    ada, django_assert_max_num_queries
):
    viewer, now = desk("viewer"), clock.now()

    def statements():
        with django_assert_max_num_queries(25) as captured:
            viewer.get(reverse("admin:person", args=[ada.user.pk]))
        return len(captured)

    resources = [make_resource() for _ in range(4)]
    statements()
    few = statements()
    for resource in resources:
        client = make_client()
        ConsentGrant.objects.create(user=ada.user, client=client, resource=resource)
        TokenFamily.objects.create(
            client=client, user=ada.user, resource="r", auth_time=now,
            expires_at=now + timedelta(days=1),
        )  # fmt: skip

    assert few == statements()
