"""Votes, appointments and names at once, on PostgreSQL."""

from __future__ import annotations

import itertools

import pytest
from django.db import connection

from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]

ROUNDS = 5
SHARED = "operator-key-of-the-test-suite-06"
GOOD = "https://client.example/cb"
EVIL = "https://evil.example/cb"


@pytest.fixture
def operator_url(crowd_server):
    return crowd_server(AUTHPLANE_LISTENER="operator").url


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def each(*senders):
    """The senders in turn."""
    waiting = itertools.cycle(senders)

    def send(http):
        return next(waiting)(http)

    return send


def applicant():
    """A client that waits: its row, the question, its registration token."""
    from oauth.models import ClientApproval
    from oauth.registration.services import register_client

    made = register_client({"client_name": "A", "redirect_uris": [GOOD]})
    return made, ClientApproval.objects.get(client=made.client, outcome="waiting")


def approving(question, key):
    place = f"/admin/approvals/{question.pk}/approve"
    return lambda http: http.post(place, json={}, headers=bearer(key))


@pytest.fixture
def administrators(operator_url):
    from admin_api.administrators import keys

    return [keys.create_key(name=name, role="security")[1] for name in ("ann", "bob")]


def test_every_administrator_has_one_vote(operator_url, administrators):
    from audit.models import AuditEvent
    from oauth.models import ApprovalVote
    from oauth.registration import approval_rules

    approval_rules.change_rules({"dcr": 2})
    made, question = applicant()

    answers = storm(
        operator_url, each(*(approving(question, key) for key in administrators)), count=12
    )

    statuses = sorted(answer.status_code for answer in answers)
    assert ([200, 200], {403, 409}) == (statuses[:2], {403, 409} | set(statuses[2:]))
    made.client.refresh_from_db()
    assert ("active", 2) == (made.client.status, ApprovalVote.objects.count())
    assert 1 == AuditEvent.objects.filter(action="client.approved").count()


def test_what_is_approved_is_what_was_looked_at(operator_url, administrators):
    """A client that replaces its redirect URIs while somebody presses the button gains nothing."""
    from oauth.registration import approval_rules
    from oauth.registration.services import replace_registration

    approval_rules.change_rules({"dcr": 1})
    for _ in range(ROUNDS):
        made, question = applicant()
        document = {
            "client_id": made.client.client_id, "client_name": "A", "redirect_uris": [EVIL],
        }  # fmt: skip

        def replacing(_http, made=made, document=document):
            try:
                return replace_registration(
                    made.client.client_id,
                    presented_token=made.registration_token,
                    document=document,
                )
            finally:
                connection.close()

        storm(operator_url, each(approving(question, administrators[0]), replacing), count=2)

        made.client.refresh_from_db()
        assert (EVIL, "pending") == (made.client.redirect_uris, made.client.status)


@pytest.mark.parametrize("way", ["dismiss", "disable"])
def test_an_owner_is_left(operator_url, way):
    from admin_api.administrators import staff
    from authplane.accounts.models import User
    from tests.support.factories import make_user

    for _ in range(ROUNDS):
        pair = [make_user() for _ in range(2)]
        for user in pair:
            staff.grant_role(str(user.pk), role="owner")

        def dismissing(user):
            if way == "dismiss":
                return lambda http: http.delete(f"/admin/staff/{user.pk}", headers=bearer(SHARED))
            return lambda http: http.patch(
                f"/admin/users/{user.pk}/disable", headers=bearer(SHARED)
            )

        answers = storm(operator_url, each(*map(dismissing, pair)), count=2)

        assert {answer.status_code for answer in answers} <= {200, 204, 409}
        owners = User.objects.filter(is_superuser=True, status="active")
        assert owners.exists()
        owners.update(is_superuser=False)


def test_a_name_is_given_once(operator_url):
    from admin_api.models import AdminApiKey

    body = {"name": "ann", "role": "viewer"}

    answers = storm(
        operator_url,
        lambda http: http.post("/admin/admin-keys", json=body, headers=bearer(SHARED)),
        count=12,
    )

    assert [201] + [409] * 11 == sorted(answer.status_code for answer in answers)
    assert 1 == AdminApiKey.objects.count()
