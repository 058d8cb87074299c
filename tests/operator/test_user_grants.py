"""`/admin/users/{id}/grants`, and the end of a consent."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.clock import as_text
from broker.models import Connection
from broker.providers.selectors import drop as drop_providers
from broker.providers.services import create_provider
from oauth.models import ConsentGrant
from tests.support.digests import nothing_changes
from tests.support.factories import make_user
from tests.support.lineage import issue, received
from tests.support.record import recorded
from tests.support.scene import row_of

UNKNOWN = "0198c0de-0000-7000-8000-000000000000"


@pytest.fixture
def tokens(scene):
    return scene.tokens()


@pytest.fixture
def consent(tokens):
    return ConsentGrant.objects.get()


def connected(user):
    drop_providers()
    provider = create_provider({
        "slug": "forge", "preset": "github", "config_data": {"client_id": "c"},
        "secret": "hush-hush-4712",
    })  # fmt: skip
    return Connection.objects.create(
        user=user, provider=provider, scopes_granted=["repo"], credential_sealed=b"sealed-4712"
    )


def test_both_kinds_are_told_whole(operator, scene, consent):
    connection = connected(scene.user)

    body = operator.get(f"/admin/users/{scene.user.pk}/grants").json()

    assert body["consent_grants"] == [
        {
            "id": str(consent.pk), "user_id": str(scene.user.pk),
            "client_id": scene.client.client_id, "resource_id": str(scene.resource.pk),
            "scopes": ["read"], "created_at": as_text(consent.created_at),
            "updated_at": as_text(consent.updated_at),
        }
    ]  # fmt: skip
    (grant,) = body["broker_grants"]
    assert {
        "id": str(connection.pk), "user_id": str(scene.user.pk),
        "broker_provider_id": str(connection.provider_id), "scopes_granted": ["repo"],
        "version": 1, "created_at": as_text(connection.created_at),
        "updated_at": as_text(connection.updated_at),
    }.items() <= grant.items()  # fmt: skip
    assert grant["enc_backend"]
    assert "revoked_at" not in grant
    assert "4712" not in str(body)
    assert "credential_data" not in str(body)


def test_history_stays_and_others_are_left_out(operator, scene, consent):
    ConsentGrant.objects.update(revoked_at=clock.now())

    (shown,) = operator.get(f"/admin/users/{scene.user.pk}/grants").json()["consent_grants"]

    assert shown["revoked_at"]
    assert operator.get(f"/admin/users/{make_user().pk}/grants").json() == {
        "consent_grants": [], "broker_grants": [],
    }  # fmt: skip
    for key in (UNKNOWN, "7"):
        assert operator.get(f"/admin/users/{key}/grants").status_code == 404


@pytest.mark.shows("audit event", "consent_grant.revoked_admin")
def test_a_consent_ends_with_all_that_came_of_it(operator, scene, tokens, consent):
    first = received(tokens["access_token"])
    below = issue(
        row_of(scene.machine), resource=scene.resource.uri, user_id=scene.user.pk,
        parent=first.jti,
    )  # fmt: skip
    code = scene.authorize()

    assert operator.delete(f"/admin/grants/consent/{consent.pk}").status_code == 204

    assert not scene.is_active(first.token)
    assert not scene.is_active(below.token)
    assert scene.client.refresh(tokens["refresh_token"]).status_code == 400
    assert scene.client.redeem(code).status_code == 400
    row = AuditEvent.objects.get(action="consent_grant.revoked_admin")
    assert (row.actor_id, row.client_id) == ("admin", scene.client.client_id)
    assert row.detail == {
        "id": str(consent.pk), "user_id": str(scene.user.pk),
        "resource_id": str(scene.resource.pk), "revoked_issuances": 2, "revoked_families": 1,
    }  # fmt: skip
    assert recorded("consent.revoked") == []
    assert operator.delete(f"/admin/grants/consent/{consent.pk}").status_code == 204
    assert len(recorded("consent_grant.revoked_admin")) == 1


@pytest.mark.parametrize("key", [UNKNOWN, "7"])
def test_an_unknown_consent_is_not_found(operator, consent, key):
    with nothing_changes():
        answer = operator.delete(f"/admin/grants/consent/{key}")

    assert (answer.status_code, answer.json()["detail"]) == (404, "consent grant not found")
    assert recorded("consent_grant.revoked_admin") == []
