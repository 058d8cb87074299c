"""`/admin/issuances`: the evidence of every token."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.clock import as_text
from authplane.core.ids import first_uuid7_at
from oauth.models import AccessToken
from oauth.resources import selectors
from tests.support.digests import nothing_changes
from tests.support.lineage import issue, received
from tests.support.record import recorded
from tests.support.scene import row_of

UNKNOWN = "0198c0de-0000-7000-8000-000000000000"
PATH = "/admin/issuances"


@pytest.fixture(autouse=True)
def _resources_of_this_test(db):
    selectors.drop()


@pytest.fixture
def first(scene):
    return received(scene.tokens()["access_token"])


@pytest.fixture
def agent(scene):
    row = row_of(scene.machine)
    row.is_agent = True
    row.save()
    return row


def found(operator, query):
    answer = operator.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(body):
    return [one["id"] for one in body["issuances"]]


def test_everything_about_an_exchanged_token_is_told(operator, scene, agent, first):
    made = issue(
        agent, resource=scene.resource.uri, user_id=scene.user.pk, parent=first.jti,
        actors={"sub": "gateway", "act": {"sub": "planner"}}, dpop_jkt="thumb",
        consent_client=agent.pk,
    )  # fmt: skip

    answer = operator.get(f"{PATH}/{made.jti}")

    assert answer.json() == {
        "id": str(made.jti), "jti": str(made.jti), "kind": "token_exchange",
        "subject": str(scene.user.pk), "subject_user_id": str(scene.user.pk),
        "client_id": scene.machine.client_id,
        "resource_id": str(scene.resource.pk), "resource": scene.resource.uri,
        "scopes": ["read"], "backend_kind": "mint", "revocable": True, "status": "active",
        "issued_at": as_text(made.row.created), "expires_at": as_text(made.row.expires),
        "dpop_jkt": "thumb", "agent_id": scene.machine.client_id,
        "agent_chain": ["planner", "gateway"],
        "actors": {"sub": "gateway", "act": {"sub": "planner"}},
        "consent_client_id": scene.machine.client_id, "parent_jti": str(first.jti),
    }  # fmt: skip


def test_a_vend_has_no_jti_and_cannot_be_ended_here(operator, scene, first):
    AccessToken.objects.update(kind="vend", family_id=None)

    (shown,) = found(operator, f"user={scene.user.pk}")["issuances"]

    assert (shown["jti"], shown["backend_kind"], shown["revocable"]) == ("", "broker", False)
    assert (shown["status"], shown["agent_chain"]) == ("active", [])


def test_each_selector_finds_and_all_must_agree(operator, scene, agent, first):
    own = issue(agent, resource=scene.resource.uri, kind="client_credentials")
    user, client = str(scene.user.pk), scene.machine.client_id

    assert ids(found(operator, f"user={user}")) == [str(first.jti)]
    assert ids(found(operator, f"client={client}")) == [str(own.jti)]
    for name in (scene.resource.pk, scene.resource.slug, quote(scene.resource.uri, safe="")):
        assert ids(found(operator, f"resource={name}")) == [str(own.jti), str(first.jti)]
    for none in (
        f"user={user}&client={client}", "user=7", f"user={UNKNOWN}", "client=nobody",
        "resource=nothing", f"jti={UNKNOWN}", "jti=7", f"jti={own.jti}&user={user}",
    ):  # fmt: skip
        assert found(operator, none)["count"] == 0


def test_since_bounds_the_search_and_is_told(operator, scene, first):
    old = clock.now() - timedelta(days=2)
    AccessToken.objects.filter(pk=first.jti).update(id=first_uuid7_at(old), created=old)
    query = f"user={scene.user.pk}"

    body = found(operator, query)
    assert (body["count"], body["total"]) == (0, 0)
    assert body["since"].startswith(as_text(clock.now() - timedelta(days=1))[:13])
    since = as_text(old - timedelta(hours=1))
    body = found(operator, f"{query}&since={since}")
    assert (body["count"], body["total"], body["since"]) == (1, 1, since)


def test_a_jti_is_found_whenever_it_was(operator, scene, first):
    old = clock.now() - timedelta(days=60)
    key = first_uuid7_at(old)
    AccessToken.objects.filter(pk=first.jti).update(id=key, created=old)

    body = found(operator, f"jti={key}")

    assert ids(body) == [str(key)]
    assert body["since"] == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "one of: user, client, resource, jti"),
        ("limit=5", "one of"),
        ("user=1&limit=0", "limit must be 1..5000"),
        ("user=1&limit=5001", "limit must be 1..5000"),
        ("user=1&since=yesterday", "RFC 3339"),
        ("user=1&since=2026-01-01", "RFC 3339"),
        ("user=1&since=2026-01-01T00:00:00", "RFC 3339"),
        ("user=1&since=0001-01-01T00:00:00%2B01:00", "RFC 3339"),
        ("user=1&since=2020-01-01T00:00:00Z", "30 days"),
        ("user=1&until=2026-01-01T00:00:00Z", "the query may hold"),
    ],
)
def test_a_query_that_asks_for_nothing_is_refused(operator, query, text):
    answer = operator.get(f"{PATH}?{query}")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert text in answer.json()["detail"]


def test_the_list_is_paged(operator, scene, agent):
    made = [issue(agent, resource=scene.resource.uri) for _ in range(3)]

    query = f"client={scene.machine.client_id}&limit=2"
    page = found(operator, query)
    rest = found(operator, f"{query}&cursor={page['next_cursor']}")

    assert [*ids(page), *ids(rest)] == [str(one.jti) for one in reversed(made)]
    assert (page["count"], page["total"], rest["next_cursor"]) == (2, 3, None)


@pytest.mark.shows("audit event", "issuance.revoked_admin")
def test_a_token_is_ended_with_what_came_of_it(operator, scene, agent, first):
    below = issue(agent, resource=scene.resource.uri, user_id=scene.user.pk, parent=first.jti)

    assert operator.delete(f"{PATH}/{first.jti}").status_code == 204

    assert not scene.is_active(first.token)
    assert not scene.is_active(below.token)
    row = AuditEvent.objects.get(action="issuance.revoked_admin")
    assert (row.actor_id, row.client_id) == ("admin", scene.client.client_id)
    assert row.detail == {
        "id": str(first.jti), "subject_user_id": str(scene.user.pk),
        "resource_id": str(scene.resource.pk),
    }  # fmt: skip
    shown = operator.get(f"{PATH}/{first.jti}").json()
    assert (shown["status"], shown["ended_because"]) == ("revoked", "issuance_revoked")
    assert shown["revoked_at"]
    assert operator.delete(f"{PATH}/{first.jti}").status_code == 204
    assert len(recorded("issuance.revoked_admin")) == 1


@pytest.mark.parametrize("key", [UNKNOWN, "7"])
def test_an_unknown_one_is_not_found(operator, first, key):
    with nothing_changes():
        answers = [operator.get(f"{PATH}/{key}"), operator.delete(f"{PATH}/{key}")]

    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {
        (404, "not_found")
    }
    assert recorded("issuance.revoked_admin") == []


def test_the_row_of_a_client_that_is_gone_is_still_shown(operator, scene, agent):
    made = issue(agent, resource=scene.resource.uri)
    agent.delete()

    shown = operator.get(f"{PATH}/{made.jti}").json()

    assert (shown["client_id"], shown["status"]) == ("", "inactive")
    assert shown["ended_because"] == "issuing_client_inactive"
