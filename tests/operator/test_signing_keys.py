"""`/admin/keys`: the keys that sign, and how one follows another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authplane.core import clock
from authplane.core.clock import as_text
from oauth.keys import rotation, snapshot
from oauth.keys.record import KeyUnavailable
from oauth.models import SigningKey
from tests.support.digests import nothing_changes
from tests.support.record import recorded

pytestmark = pytest.mark.django_db
PATH = "/admin/keys"


@pytest.fixture(autouse=True)
def first():
    snapshot.drop()
    return rotation.ensure_first_key()


def test_the_key_that_signs_is_current(operator, first):
    assert operator.get(PATH).json() == {
        "keys": [
            {
                "kid": first.kid, "alg": "ES256", "use": "sig", "status": "current",
                "state": "active", "created_at": as_text(first.created_at),
                "activates_at": as_text(first.activates_at), "expires_at": None,
            }
        ],
        "total": 1, "next_cursor": None,
    }  # fmt: skip
    assert operator.get(f"{PATH}?state=active").status_code == 400


@pytest.mark.shows("audit event", "key.rotated")
def test_a_planned_rotation_publishes_the_next_key(operator, first):
    answer = operator.post(f"{PATH}/rotate")

    body = answer.json()
    assert answer.status_code == 200, answer.content
    assert (body["alg"], body["status"], body["state"], body["changed"], body["withdrawn"]) == (
        "ES256", "previous", "upcoming", True, [],
    )  # fmt: skip
    current, upcoming = operator.get(PATH).json()["keys"]
    assert (current["kid"], current["status"]) == (first.kid, "current")
    assert current["expires_at"]
    assert (upcoming["kid"], upcoming["state"]) == (body["kid"], "upcoming")
    assert upcoming["activates_at"] == body["activates_at"]
    assert recorded("key.rotated")[-1] == {"kid": body["kid"], "alg": "ES256", "immediate": False}


def test_the_key_that_waits_already_is_named_again(operator):
    waiting = operator.post(f"{PATH}/rotate").json()
    with nothing_changes():
        again = operator.post(f"{PATH}/rotate", {}).json()

    assert again == {**waiting, "changed": False}
    assert len(recorded("key.rotated")) == 2


def test_after_a_leak_the_next_key_signs_at_once(operator, first):
    body = operator.post(f"{PATH}/rotate", {"immediate": True}).json()

    assert (body["status"], body["state"], body["withdrawn"]) == ("current", "active", [])
    keys = operator.get(PATH).json()["keys"]
    assert [(key["kid"], key["state"]) for key in keys] == [
        (body["kid"], "active"), (first.kid, "retiring"),
    ]  # fmt: skip
    assert recorded("key.rotated")[-1]["immediate"] is True


def test_the_leaked_key_can_be_withdrawn(operator, first):
    body = operator.post(f"{PATH}/rotate", {"immediate": True, "withdraw": True}).json()

    assert body["withdrawn"] == [first.kid]
    (key,) = operator.get(PATH).json()["keys"]
    assert key["kid"] == body["kid"]


def test_a_key_that_retired_is_not_shown(operator, first):
    operator.post(f"{PATH}/rotate", {"immediate": True})
    SigningKey.objects.filter(kid=first.kid).update(expires_at=clock.now() - timedelta(seconds=1))
    snapshot.drop()

    assert operator.get(PATH).json()["total"] == 1


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"withdraw": True}, "withdraw: goes with immediate only"),
        ({"immediate": "yes"}, "immediate"),
        ({"immediate": 1}, "immediate"),
        ({"now": True}, "now: is not a known field"),
        ({"immediate": None, "kid": "x"}, "kid"),
    ],
)
def test_a_body_that_says_something_else_changes_nothing(operator, body, word):
    with nothing_changes():
        answer = operator.post(f"{PATH}/rotate", body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert word in answer.json()["detail"]


def test_a_key_that_cannot_be_made_is_told_without_the_reason(operator, monkeypatch):
    def fail(**_):
        raise KeyUnavailable("no data key is configured")

    monkeypatch.setattr("admin_api.viewsets.signing_keys.rotate", fail)

    answer = operator.post(f"{PATH}/rotate")

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert answer.json()["detail"] == "key rotation failed"
