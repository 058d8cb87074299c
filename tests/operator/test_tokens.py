"""`/admin/tokens` and `/admin/users/{id}/tokens`: what was issued, what it is worth, its end."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from authplane.core.counting import counted
from oauth.models import AccessToken, AuthorizationCode, TokenFamily
from tests.support.digests import nothing_changes
from tests.support.factories import PASSWORD, make_user
from tests.support.lineage import issue, received
from tests.support.record import recorded
from tests.support.scene import change_client, row_of

UNKNOWN = "0198c0de-0000-7000-8000-000000000000"


@pytest.fixture
def first(scene):
    """A user's token of a code."""
    return received(scene.tokens()["access_token"])


@pytest.fixture
def machine(scene):
    """A machine's own token."""
    return received(scene.machine_token())


def listed(operator, query=""):
    answer = operator.get(f"/admin/tokens{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_token_is_shown_with_what_it_is_worth_and_never_itself(operator, scene, first, machine):
    body = listed(operator)

    assert (body["total"], body["next_cursor"]) == (2, None)
    newest, oldest = body["tokens"]
    assert newest == {
        "jti": str(machine.jti), "type": "client_credentials",
        "client_id": scene.machine.client_id, "scope": machine.row.scope,
        "resource": scene.resource.uri, "status": "active",
        "created_at": f"{machine.row.created:%Y-%m-%dT%H:%M:%SZ}",
        "expires_at": f"{machine.row.expires:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    assert oldest == {
        "jti": str(first.jti), "type": "authorization_code",
        "client_id": scene.client.client_id, "user_id": str(scene.user.pk),
        "scope": "read", "resource": scene.resource.uri, "status": "active",
        "family_id": str(first.row.family_id),
        "created_at": f"{first.row.created:%Y-%m-%dT%H:%M:%SZ}",
        "expires_at": f"{first.row.expires:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    assert first.token not in str(body)


def test_the_list_can_be_narrowed_and_paged(operator, scene, first, machine):
    of_client = listed(operator, f"?client_id={scene.machine.client_id}")
    of_user = listed(operator, f"?user_id={scene.user.pk}")

    assert [token["jti"] for token in of_client["tokens"]] == [str(machine.jti)]
    assert [token["jti"] for token in of_user["tokens"]] == [str(first.jti)]
    for nobody in ("user_id=7", f"user_id={UNKNOWN}", "client_id=nobody", "client_id=%00"):
        assert listed(operator, f"?{nobody}")["total"] == 0
    page = listed(operator, "?limit=1")
    rest = listed(operator, f"?limit=1&cursor={page['next_cursor']}")
    assert [page["tokens"][0]["jti"], rest["tokens"][0]["jti"]] == [
        str(machine.jti), str(first.jti),
    ]  # fmt: skip
    assert rest["next_cursor"] is None
    assert operator.get("/admin/tokens?status=active").status_code == 400


def test_a_long_list_is_counted_as_far_as_anybody_pages(operator, scene, monkeypatch):
    agent = row_of(scene.machine)
    for _ in range(3):
        issue(agent, resource=scene.resource.uri)
    monkeypatch.setattr(counted, "__kwdefaults__", {"limit": 2})

    body = listed(operator, "?limit=1")

    assert (body["total"], body["total_is_minimum"]) == (2, True)


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (
            lambda scene, token: AccessToken.objects.update(expires=token.row.created),
            ("expired", ""),
        ),
        (
            lambda scene, token: TokenFamily.objects.update(revoked_at=token.row.created),
            ("revoked", "token_revoked"),
        ),
        (
            lambda scene, token: AccessToken.objects.update(revoked_at=token.row.created),
            ("revoked", "issuance_revoked"),
        ),
        (
            lambda scene, token: change_client(scene.client, status="suspended"),
            ("inactive", "issuing_client_inactive"),
        ),
        (
            lambda scene, token: type(scene.user).objects.update(status="disabled"),
            ("inactive", "subject_inactive"),
        ),
    ],
)
def test_why_a_token_does_not_count_is_told(operator, scene, first, end, told):
    end(scene, first)

    (token,) = listed(operator)["tokens"]

    assert (token["status"], token.get("ended_because", "")) == told


def test_a_token_whose_ancestor_ended_does_not_count(operator, scene, first):
    below = issue(
        row_of(scene.machine), resource=scene.resource.uri, parent=first.jti,
        user_id=scene.user.pk,
    )  # fmt: skip
    AccessToken.objects.filter(pk=first.jti).update(revoked_at=first.row.created)

    shown = {token["jti"]: token for token in listed(operator)["tokens"]}

    assert shown[str(below.jti)]["status"] == "inactive"
    assert shown[str(below.jti)]["ended_because"] == "ancestor_ended"


@pytest.mark.parametrize(
    ("path", "statements"),
    [("tokens", 2), ("issuances?user=%s", 2), ("tokens?limit=2", 3), ("tokens?offset=1", 3)],
)
def test_few_statements_read_the_ledger_however_long_the_list_is(operator, scene, path, statements):
    agent = row_of(scene.machine)
    for _ in range(5):
        issue(agent, resource=scene.resource.uri, user_id=scene.user.pk)

    with CaptureQueriesContext(connection) as asked:
        answer = operator.get(f"/admin/{path.replace('%s', str(scene.user.pk))}")

    assert answer.json()["total"] == 5
    assert statements == sum("oauth_accesstoken" in statement["sql"] for statement in asked)


@pytest.mark.shows("audit event", "token.revoked")
def test_one_token_can_be_ended(operator, scene, first, machine):
    answer = operator.delete(f"/admin/tokens/{machine.jti}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert not scene.is_active(machine.token)
    assert scene.is_active(first.token)
    row = AuditEvent.objects.get(action="token.revoked")
    assert (row.actor_id, row.client_id, row.detail) == (
        "admin", scene.machine.client_id, {"jti": str(machine.jti)},
    )  # fmt: skip
    assert operator.delete(f"/admin/tokens/{machine.jti}").status_code == 204
    assert AuditEvent.objects.filter(action="token.revoked").count() == 1


def test_an_authorization_ends_with_all_of_its_tokens(operator, scene):
    tokens = scene.tokens()
    first = received(tokens["access_token"])

    assert operator.delete(f"/admin/tokens/{first.row.family_id}").status_code == 204

    assert not scene.is_active(first.token)
    refused = scene.client.refresh(tokens["refresh_token"])
    assert refused.json()["error"] == "invalid_grant"
    assert recorded("token.revoked") == [{"family": str(first.row.family_id)}]
    assert recorded("family.revoked")[0]["cause"] == "operator"


@pytest.mark.parametrize("key", [UNKNOWN, "7", "x" * 300])
def test_an_unknown_token_is_not_found(operator, first, key):
    with nothing_changes():
        answer = operator.delete(f"/admin/tokens/{key}")

    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert recorded("token.revoked") == []


def test_what_an_upstream_service_issued_is_ended_there(operator, scene, first):
    AccessToken.objects.update(kind="vend")

    for path in ("tokens", "issuances"):
        with nothing_changes():
            answer = operator.delete(f"/admin/{path}/{first.jti}")
        assert (answer.status_code, answer.json()["error"]) == (409, "conflict")


def test_the_tokens_of_one_user(operator, scene, first, machine):
    body = operator.get(f"/admin/users/{scene.user.pk}/tokens").json()

    assert [token["jti"] for token in body["tokens"]] == [str(first.jti)]
    assert body["total"] == 1
    assert operator.get(f"/admin/users/{UNKNOWN}/tokens").status_code == 404
    assert operator.get(f"/admin/users/{make_user().pk}/tokens").json()["tokens"] == []


@pytest.mark.shows("audit event", "user.force_logout")
def test_a_forced_logout_reaches_everything_of_the_user(operator, scene, first, machine):
    tokens = scene.tokens()
    exchanged = issue(
        row_of(scene.machine), resource=scene.resource.uri, parent=first.jti,
        user_id=scene.user.pk,
    )  # fmt: skip
    code = scene.authorize()
    other = make_user()
    kept = issue(row_of(scene.machine), resource=scene.resource.uri, user_id=other.pk)

    answer = operator.delete(f"/admin/users/{scene.user.pk}/tokens")

    assert (answer.status_code, answer.json()) == (
        200, {"user_id": str(scene.user.pk), "tokens_revoked": 2, "issuances_revoked": 3},
    )  # fmt: skip
    for token in (first.token, tokens["access_token"], exchanged.token):
        assert not scene.is_active(token)
    assert scene.is_active(machine.token)
    assert scene.is_active(kept.token)
    assert scene.client.refresh(tokens["refresh_token"]).status_code == 400
    assert scene.client.redeem(code).status_code == 400
    assert not AuthorizationCode.objects.filter(revoked_at=None, consumed_at=None).exists()
    row = AuditEvent.objects.get(action="user.force_logout")
    assert (row.actor_id, row.detail) == (
        "admin", {"user": str(scene.user.pk), "revoked": 2, "revoked_issuances": 3},
    )  # fmt: skip


def test_a_forced_logout_ends_every_session_of_the_browser(operator, db):
    user, browser = make_user(), Browser()
    assert browser.login(email=user.email, password=PASSWORD)
    assert "_auth_user_id" in browser.session

    def is_known():
        from django.contrib.auth import get_user
        from django.http import HttpRequest

        request = HttpRequest()
        request.session = browser.session
        return get_user(request).is_authenticated

    assert is_known()
    operator.delete(f"/admin/users/{user.pk}/tokens")
    assert not is_known()
    assert browser.login(email=user.email, password=PASSWORD)
    assert is_known()


def test_nobody_unknown_is_logged_out(operator, first):
    with nothing_changes():
        assert operator.delete(f"/admin/users/{UNKNOWN}/tokens").status_code == 404
    assert recorded("user.force_logout") == []
