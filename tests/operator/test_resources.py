"""`/admin/resources` and the two lists of a resource's policy."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from oauth.models import Resource
from tests.support.factories import make_client, make_resource

GOOD = {
    "slug": "Weather",
    "uri": "https://weather.example.com/mcp",
    "backend_kind": "mint",
    "display_name": "Weather",
    "scopes": [{"name": "read", "description": "See the weather."}, {"name": "write"}],
}


def events(prefix="resource."):
    return list(
        AuditEvent.objects.filter(action__startswith=prefix)
        .order_by("id")
        .values_list("action", "actor_id", "client_id", "detail")
    )


@pytest.mark.shows("audit event", "resource.created")
def test_a_resource_is_created_as_told(operator):
    answer = operator.post("/admin/resources", GOOD)

    body = answer.json()
    row = Resource.objects.get(slug="weather")
    assert 201 == answer.status_code
    assert body == {
        "id": str(row.pk), "slug": "weather", "uri": GOOD["uri"], "backend_kind": "mint",
        "broker_provider_id": "", "display_name": "Weather", "scopes": GOOD["scopes"],
        "policy": {"exchange": {"allowed_client_ids": []}, "runtime": {"client_ids": []}},
        "created_at": body["created_at"], "updated_at": body["updated_at"],
    }  # fmt: skip
    assert body == operator.get(f"/admin/resources/{row.pk}").json()
    assert body == operator.get("/admin/resources?slug=weather").json()
    assert [("resource.created", "admin", "", {"id": str(row.pk), "slug": "weather"})] == events()


def test_a_policy_is_taken_at_creation(operator):
    client_id = make_client().client_id
    policy = {"runtime": {"client_ids": [client_id]}, "connect": {"allowed_return_urls": ["x"]}}

    answer = operator.post("/admin/resources", {**GOOD, "policy": policy})

    assert [client_id] == answer.json()["policy"]["runtime"]["client_ids"]
    assert "connect" not in answer.json()["policy"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"slug": None}, "slug"),
        ({"slug": "no/slash"}, "slug"),
        ({"slug": "a" * 65}, "slug"),
        ({"uri": "weather"}, "uri"),
        ({"uri": "ftp://weather.example.com"}, "uri"),
        ({"uri": "https://weather.example.com/#x"}, "uri"),
        ({"uri": 7}, "uri"),
        ({"backend_kind": None}, "backend_kind"),
        ({"backend_kind": "broker"}, "broker_provider_id"),
        ({"backend_kind": ["mint"]}, "backend_kind"),
        ({"backend_kind": "issuer"}, "backend_kind"),
        ({"broker_provider_id": "p"}, "broker_provider_id"),
        ({"scopes": [{"name": ""}]}, "scopes[0]"),
        ({"scopes": [{"name": "a"}, {"name": "a"}]}, "scopes[1]"),
        ({"scopes": [{"name": "a b"}]}, "scopes[0]"),
        ({"scopes": "read"}, "scopes"),
        ({"display_name": "a\u0000b"}, "display_name"),
        ({"policy": {"runtime": {"client_ids": ["nobody"]}}}, "not registered"),
        ({"policy": {"runtime": {"client_ids": ["\u0000"]}}}, "policy.runtime"),
        ({"policy": {"runtime": {"client_ids": ["\ud800"]}}}, "not valid UTF-8"),
        ({"policy": {"exchange": {"allowed_client_ids": [""]}}}, "policy.exchange"),
        ({"policy": {"runtime": {"others": []}}}, "policy.runtime"),
        ({"id": "7"}, "id is not a member"),
        ({"slug": "!", "uri": "!", "x": 1}, "uri"),
    ],
)
def test_every_problem_is_told_and_nothing_is_created(operator, change, problem):
    answer = operator.post("/admin/resources", {**GOOD, **change})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert problem in answer.json()["detail"]
    assert not Resource.objects.filter(backend_kind="mint").exists()
    assert [] == events()


@pytest.mark.parametrize(
    "change",
    [{"uri": "https://other.example.com"}, {"slug": "other"},
     {"slug": "other", "uri": "HTTPS://Weather.example.com:443/mcp/"}],
)  # fmt: skip
def test_a_name_that_is_taken_is_a_conflict(operator, change):
    operator.post("/admin/resources", GOOD)

    answer = operator.post("/admin/resources", {**GOOD, **change})

    assert (409, "conflict") == (answer.status_code, answer.json()["error"])
    assert 1 == Resource.objects.filter(backend_kind="mint").count()


@pytest.mark.parametrize("name", ["7", "01890000-0000-7000-8000-000000000000", "weather"])
def test_an_unknown_resource_is_not_found(operator, name):
    answer = operator.get(f"/admin/resources/{name}")

    assert (404, "resource not found") == (answer.status_code, answer.json()["detail"])


def test_an_unknown_slug_is_not_found(operator):
    assert 404 == operator.get("/admin/resources?slug=nobody").status_code
    assert 404 == operator.get("/admin/resources?slug=%00").status_code


def test_resources_are_listed_newest_first(operator):
    made = [make_resource().slug for _ in range(3)]

    body = operator.get("/admin/resources?backend_kind=mint&limit=2").json()

    assert made[:0:-1] == [resource["slug"] for resource in body["resources"]]
    assert 3 == body["total"]
    rest = operator.get(f"/admin/resources?backend_kind=mint&cursor={body['next_cursor']}").json()
    assert made[:1] == [resource["slug"] for resource in rest["resources"]]


def test_the_built_in_resource_is_shown_with_the_issuer(operator):
    (built_in,) = operator.get("/admin/resources?backend_kind=issuer").json()["resources"]

    assert ("account", "http://localhost:9000") == (built_in["slug"], built_in["uri"])
    assert 0 == operator.get("/admin/resources?backend_kind=broker").json()["total"]
    assert 0 == operator.get("/admin/resources?broker_provider_id=x").json()["total"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("backend_kind=other", "backend_kind must be mint or broker"),
        ("limit=0", "limit must be 1..500"),
        ("limit=501", "limit must be 1..500"),
        ("offset=-1", "offset must be a non-negative integer"),
        ("slug=a&backend_kind=mint", "slug cannot be combined with backend_kind"),
        ("slug=a&limit=1", "slug cannot be combined with limit"),
        ("other=1", "the query may hold"),
        (
            "slug=a&other=1",
            "the query may hold: limit, offset, cursor, slug, backend_kind, broker_provider_id",
        ),
    ],
)
def test_a_query_that_cannot_be_read_is_refused(operator, query, text):
    answer = operator.get(f"/admin/resources?{query}")

    assert 400 == answer.status_code
    assert answer.json()["detail"].startswith(text)


LISTS = [
    ("exchange/allowed-clients", "allowed_client_ids", "exchange.allowed_client"),
    ("runtime/client-ids", "client_ids", "runtime.client"),
]


@pytest.mark.shows(
    "audit event",
    "resource.policy.exchange.allowed_client.added",
    "resource.policy.exchange.allowed_client.removed",
    "resource.policy.runtime.client.added",
    "resource.policy.runtime.client.removed",
)
@pytest.mark.parametrize(("route", "name", "event"), LISTS)
def test_a_client_is_put_on_a_list_and_taken_off(operator, route, name, event):
    slug, client_id = make_resource().slug, make_client().client_id
    path = f"/admin/resources/{slug}/policy/{route}"
    assert {name: []} == operator.get(path).json()

    for _ in range(2):
        answer = operator.post(path, {"client_id": client_id})
        assert (200, {name: [client_id]}) == (answer.status_code, answer.json())
    assert {name: [client_id]} == operator.get(path).json()
    for _ in range(2):
        answer = operator.delete(f"{path}/{client_id}")
        assert (200, {name: []}) == (answer.status_code, answer.json())

    assert [
        (f"resource.policy.{event}.added", "admin", client_id, {"slug": slug}),
        (f"resource.policy.{event}.removed", "admin", client_id, {"slug": slug}),
    ] == events()


@pytest.mark.parametrize(("route", "name", "event"), LISTS)
def test_an_id_that_is_a_url_is_taken_off_too(operator, route, name, event):
    slug, client_id = make_resource().slug, "https://client.example.com/oauth/client.json"
    make_client(client_id=client_id, registration_source="cimd")
    path = f"/admin/resources/{slug}/policy/{route}"
    operator.post(path, {"client_id": client_id})

    for written in (client_id, client_id.replace("/", "%2F").replace(":", "%3A")):
        assert {name: []} == operator.delete(f"{path}/{written}").json()


@pytest.mark.parametrize(("route", "name", "event"), LISTS)
@pytest.mark.parametrize(
    "body",
    [{}, {"client_id": ""}, {"client_id": 7}, {"client_id": "nobody"}, {"client_id": "a\u0000"},
     {"client_id": "x" * 513}, {"client_id": "nobody", "other": 1}, {"client_ids": []}],
)  # fmt: skip
def test_a_bad_member_changes_nothing(operator, route, name, event, body):
    path = f"/admin/resources/{make_resource().slug}/policy/{route}"

    answer = operator.post(path, body)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert {name: []} == operator.get(path).json()
    assert [] == events()


@pytest.mark.parametrize(("route", "name", "event"), LISTS)
def test_an_unknown_resource_has_no_list(operator, route, name, event):
    path = f"/admin/resources/nobody/policy/{route}"
    client_id = make_client().client_id

    for answer in (
        operator.get(path),
        operator.post(path, {"client_id": client_id}),
        operator.delete(f"{path}/{client_id}"),
    ):
        assert (404, "resource not found") == (answer.status_code, answer.json()["detail"])


def test_a_member_has_a_small_body(operator):
    path = f"/admin/resources/{make_resource().slug}/policy/runtime/client-ids"

    answer = operator.post(path, {"client_id": "x" * 17_000})

    assert (413, "invalid_request") == (answer.status_code, answer.json()["error"])


# --- Changes ----------------------------------------------------------------------------------


@pytest.mark.shows("audit event", "resource.patched", "resource.deleted")
def test_a_resource_is_changed_in_part_and_deleted(operator):
    row = make_resource(display_name="Old")
    path = f"/admin/resources/{row.pk}"

    changed = operator.call("PATCH", path, {"display_name": "New", "scopes": [{"name": "x"}]})
    unchanged = operator.call("PATCH", path, {"display_name": "New"})
    deleted = operator.delete(path)

    assert (200, "New", row.uri, [{"name": "x"}]) == (
        changed.status_code, changed.json()["display_name"], changed.json()["uri"],
        changed.json()["scopes"],
    )  # fmt: skip
    assert (200, 204) == (unchanged.status_code, deleted.status_code)
    assert ["resource.patched", "resource.deleted"] == [action for action, *_ in events()]
    assert "display_name,scopes" == events()[0][3]["fields"]
    assert 404 == operator.get(path).status_code


@pytest.mark.parametrize(
    ("change", "status"),
    [({"slug": "account"}, 409), ({"slug": "!"}, 400), ({"id": "x"}, 400), ({"scopes": "x"}, 400)],
)
def test_a_bad_change_changes_nothing(operator, change, status):
    row = make_resource(display_name="Old")

    answer = operator.call("PATCH", f"/admin/resources/{row.pk}", {"display_name": "New"} | change)

    row.refresh_from_db()
    assert (status, "Old", []) == (answer.status_code, row.display_name, events())


def test_the_built_in_resource_stays(operator):
    path = f"/admin/resources/{Resource.objects.get(slug='account').pk}"

    assert 409 == operator.delete(path).status_code
    assert 400 == operator.call("PATCH", path, {"slug": "other"}).status_code
    assert Resource.objects.filter(slug="account").exists()


@pytest.mark.parametrize("key", ["x", "01890000-0000-7000-8000-000000000000"])
def test_nothing_unknown_is_changed(operator, key):
    assert 404 == operator.call("PATCH", f"/admin/resources/{key}", {}).status_code
    assert 404 == operator.delete(f"/admin/resources/{key}").status_code
