"""`DELETE /admin/users/{id}`: the account and everything that was its own."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from audit.models import AuditEvent
from authplane.accounts.models import User
from oauth.account import administration
from oauth.models import AccessToken, ConsentGrant, TokenFamily
from tests.support.digests import nothing_changes
from tests.support.factories import make_user
from tests.support.lineage import issue, received
from tests.support.record import recorded
from tests.support.scene import row_of

UNKNOWN = "0198c0de-0000-7000-8000-000000000000"
DELETED = "user.deleted"


def path_of(user):
    return f"/admin/users/{user.pk}"


@pytest.mark.shows("audit event", "user.deleted")
def test_a_user_without_tokens_is_simply_gone(operator, db):
    user, other = make_user(), make_user()

    answer = operator.delete(path_of(user))

    assert (answer.status_code, answer.content) == (204, b"")
    assert list(User.objects.all()) == [other]
    assert operator.get(path_of(user)).status_code == 404
    assert operator.delete(path_of(user)).status_code == 404
    row = AuditEvent.objects.get(action=DELETED)
    assert (row.actor_id, row.detail) == ("admin", {"user": str(user.pk)})


def test_one_with_tokens_stays_unless_forced(operator, scene):
    scene.tokens()

    with nothing_changes():
        answer = operator.delete(path_of(scene.user))

    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
    assert answer.json()["detail"] == "user has active tokens (use force=true)"
    assert User.objects.filter(pk=scene.user.pk).exists()
    assert recorded(DELETED) == []


def test_an_exchanged_token_alone_keeps_the_user(operator, scene):
    issue(row_of(scene.machine), resource=scene.resource.uri, user_id=scene.user.pk)

    assert operator.delete(f"{path_of(scene.user)}?force=false").status_code == 409


def test_forced_everything_of_the_user_ends(operator, scene):
    tokens = scene.tokens()
    first = received(tokens["access_token"])
    exchanged = issue(
        row_of(scene.machine), resource=scene.resource.uri, parent=first.jti,
        user_id=scene.user.pk,
    )  # fmt: skip
    code = scene.authorize()

    assert operator.delete(f"{path_of(scene.user)}?force=true").status_code == 204

    assert not scene.is_active(first.token)
    assert not scene.is_active(exchanged.token)
    assert scene.client.refresh(tokens["refresh_token"]).status_code == 400
    assert scene.client.redeem(code).status_code == 400
    assert not TokenFamily.objects.exists()
    assert not ConsentGrant.objects.exists()
    # The evidence stays, with an id that is nobody's.
    assert AccessToken.objects.filter(user_id=scene.user.pk, revoked_at=None).count() == 0
    assert AccessToken.objects.filter(user_id=scene.user.pk).count() == 2
    assert recorded(DELETED) == [
        {"user": str(scene.user.pk), "force": True, "revoked_issuances": 2, "revoked_families": 1}
    ]
    shown = operator.get(f"/admin/issuances/{first.jti}").json()
    assert (shown["status"], shown["subject"]) == ("revoked", str(scene.user.pk))


@pytest.mark.parametrize(
    "query", ["?force=yes", "?force=", "?forced=true", "?force=true&force=true"]
)
def test_a_misspelt_force_deletes_nobody(operator, db, query):
    user = make_user()

    assert operator.delete(f"{path_of(user)}{query}").status_code == 400
    assert User.objects.filter(pk=user.pk).exists()


def test_what_is_issued_meanwhile_makes_it_be_done_again(operator, db, monkeypatch):
    user, delete, calls = make_user(), administration._delete, []

    def interrupted(*args, **options):
        calls.append(args)
        if len(calls) == 1:
            raise IntegrityError
        delete(*args, **options)

    monkeypatch.setattr(administration, "_delete", interrupted)

    assert operator.delete(path_of(user)).status_code == 204
    assert len(calls) == 2
    assert len(recorded(DELETED)) == 1


@pytest.mark.parametrize("key", [UNKNOWN, "7"])
def test_an_unknown_user_is_not_found(operator, db, key):
    with nothing_changes():
        answer = operator.delete(f"/admin/users/{key}?force=true")

    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
