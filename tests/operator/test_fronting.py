"""`/admin/fronting`: links are checked completely, in order, and stay true while they exist."""

from __future__ import annotations

import itertools

import pytest
from django.db.models import ProtectedError

from audit.models import AuditEvent
from authplane.core.metrics import counter
from oauth.models import FrontingLink, Resource
from tests.support.exchanging import make_delegation
from tests.support.factories import make_link, make_resource

pytestmark = pytest.mark.django_db

MAP = {"read": ["files:read", "files:list"], "write": ["files:write", "files:read"]}
FINE = [{"name": name} for name in ("files:read", "files:list", "files:write", "files:admin")]


@pytest.fixture
def gateway(db):
    return make_resource(slug="gateway")


@pytest.fixture
def files(db):
    return make_resource(slug="files", scopes=FINE)


@pytest.fixture
def body(gateway, files):
    return {"source": "gateway", "target": "files", "scope_map": MAP}


def events():
    return list(
        AuditEvent.objects.filter(action__startswith="fronting_link.")
        .order_by("id")
        .values_list("action", "actor_id", "detail")
    )


def problem(answer):
    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    return answer.json()["detail"]


# --- Made -------------------------------------------------------------------------------------


@pytest.mark.shows("audit event", "fronting_link.created")
@pytest.mark.shows("metric", "authplane_fronting_ops_total")
@pytest.mark.parametrize("ends", [("source", "target"), ("source_slug", "target_slug")])
def test_a_link_is_made_as_told(operator, body, ends):
    made = counter("authplane_fronting_ops_total").labels("create")
    before = made._value.get()
    sent = {ends[0]: "Gateway", ends[1]: "files", "scope_map": MAP}

    answer = operator.post("/admin/fronting", sent)

    told = answer.json()
    assert 201 == answer.status_code
    assert told == {
        "source_slug": "gateway", "target_slug": "files", "scope_map": MAP,
        "created_at": told["created_at"], "created_by": "admin",
    }  # fmt: skip
    assert told == operator.get("/admin/fronting/gateway/files").json()
    scopes = "read -> files:read files:list; write -> files:write files:read"
    detail = {"source": "gateway", "target": "files", "scopes": scopes}
    assert [("fronting_link.created", "admin", detail)] == events()
    assert before + 1 == made._value.get()


def test_a_dry_run_checks_everything_and_stores_nothing(operator, body, files):
    answer = operator.post("/admin/fronting?dry_run=true", body)

    assert (200, MAP) == (answer.status_code, answer.json()["scope_map"])
    assert (0, []) == (FrontingLink.objects.count(), events())
    make_link(files, Resource.objects.get(slug="gateway"), {"files:read": ["read"]})
    assert "cycle" in problem(operator.post("/admin/fronting?dry_run=true", body))
    assert 201 == operator.post("/admin/fronting?dry_run=false", body | {
        "source": "files", "target": make_resource(scopes=FINE).slug,
        "scope_map": {"files:read": ["files:read"]},
    }).status_code  # fmt: skip


@pytest.mark.parametrize("query", ["dry_run=1", "dry_run=", "dryrun=true", "dry_run=true&x=1",
                                   "dry_run=true&dry_run=false"])  # fmt: skip
def test_a_misspelt_dry_run_changes_nothing(operator, body, query):
    assert "dry_run" in problem(operator.post(f"/admin/fronting?{query}", body))
    make_link(Resource.objects.get(slug="gateway"), Resource.objects.get(slug="files"), MAP)
    changed = operator.call("PATCH", f"/admin/fronting/gateway/files?{query}", {
        "scope_map": {"read": ["files:read"]}
    })  # fmt: skip
    assert "dry_run" in problem(changed)
    assert MAP == FrontingLink.objects.get().scope_map


# --- Refused, in the order of the contract -----------------------------------------------------


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"source": None}, "source is required"),
        ({"source": "no/slug"}, "source must be the slug"),
        ({"target": ""}, "target must be the slug"),
        ({"target": "gateway"}, "target must not be the source"),
        ({"scope_map": None}, "scope_map is required"),
        ({"scope_map": {}}, "scope_map must be an object"),
        ({"scope_map": []}, "scope_map must be an object"),
        ({"scope_map": {"": ["files:read"]}}, "empty or no scope name"),
        ({"scope_map": {"read": []}}, "scope_map.read must be a list"),
        ({"scope_map": {"read": [""]}}, "scope_map.read must hold names"),
        ({"scope_map": {"read": ["files:read", "files:read"]}}, "scope_map.read repeats"),
        ({"scope_map": {"read": "files:read"}}, "scope_map.read must be a list"),
        ({"other": 1}, "other is not a member of a link"),
        ({"source": "nobody"}, "source names no resource: nobody"),
        ({"target": "nobody"}, "target names no resource: nobody"),
        ({"source": "account"}, "source must be a resource of kind mint"),
        ({"target": "account"}, "target must be a resource of kind mint or broker"),
        ({"scope_map": {"admin": ["files:read"]}}, "gateway does not have: admin"),
        ({"scope_map": {"read": ["read"]}}, "files does not have: read"),
    ],
)
def test_a_bad_link_is_refused_and_nothing_is_stored(operator, body, change, text):
    answer = operator.post("/admin/fronting", body | change)

    assert text in problem(answer)
    assert (0, []) == (FrontingLink.objects.count(), events())


def test_every_problem_of_a_step_is_told_and_no_later_step(operator, body):
    shape = problem(operator.post("/admin/fronting", {"source": "!", "scope_map": {"a": []}}))
    assert ["source", "target", "scope_map.a"] == [text.split()[0] for text in shape.split("; ")]

    content = problem(operator.post("/admin/fronting", body | {
        "target": "nobody", "scope_map": {"x": ["y"], "read": ["z"], "v": ["y"]},
    }))  # fmt: skip
    assert [
        "target names no resource: nobody",
        "scope_map names a scope that gateway does not have: x",
        "scope_map names a scope that gateway does not have: v",
    ] == content.split("; ")


def test_a_pair_is_linked_once(operator, body):
    assert 201 == operator.post("/admin/fronting", body).status_code

    for query in ("", "?dry_run=true"):
        answer = operator.post(f"/admin/fronting{query}", body)
        assert (409, "conflict") == (answer.status_code, answer.json()["error"])
    assert 1 == len(events())


def test_a_pair_that_exists_is_told_before_the_cycle(operator, body, gateway, files):
    """Both hold only where somebody wrote rows by hand."""
    make_link(gateway, files, MAP)
    make_link(files, gateway, {"files:read": ["read"]})

    assert 409 == operator.post("/admin/fronting", body).status_code


@pytest.mark.parametrize("length", [2, 3, 6])
def test_a_cycle_of_any_length_is_refused(operator, length):
    rows = [make_resource() for _ in range(length)]

    def post(source, target):
        sent = {"source": source.slug, "target": target.slug, "scope_map": {"read": ["read"]}}
        return operator.post("/admin/fronting", sent)

    for source, target in itertools.pairwise(rows):
        assert 201 == post(source, target).status_code

    assert "cycle" in problem(post(rows[-1], rows[0]))
    assert length - 1 == FrontingLink.objects.count()
    beside = make_resource()
    assert 201 == post(rows[0], beside).status_code
    assert 201 == post(beside, rows[-1]).status_code


# --- Changed and removed -----------------------------------------------------------------------


@pytest.mark.shows("audit event", "fronting_link.patched", "fronting_link.deleted")
def test_a_link_is_changed_and_removed(operator, body):
    operator.post("/admin/fronting", body)
    path, other = "/admin/fronting/gateway/files", {"read": ["files:list"]}

    changed = operator.call("PATCH", path, {"scope_map": other})
    removed = operator.delete(path)

    assert (200, other) == (changed.status_code, changed.json()["scope_map"])
    assert (204, 404) == (removed.status_code, operator.get(path).status_code)
    ends = {"source": "gateway", "target": "files"}
    assert [
        ("fronting_link.patched", "admin", ends | {"scopes": "read -> files:list"}),
        ("fronting_link.deleted", "admin", ends),
    ] == events()[1:]


@pytest.mark.parametrize("change", [{}, {"scope_map": None}, {"scope_map": MAP}])
def test_a_change_of_nothing_writes_nothing(operator, body, change):
    operator.post("/admin/fronting", body)

    answer = operator.call("PATCH", "/admin/fronting/gateway/files", change)

    assert (200, MAP) == (answer.status_code, answer.json()["scope_map"])
    assert (1, 1) == (len(events()), FrontingLink.objects.get().version)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"scope_map": {}}, "scope_map must be an object"),
        ({"scope_map": {"admin": ["files:read"]}}, "gateway does not have: admin"),
        ({"scope_map": {"read": ["read"]}}, "files does not have: read"),
        ({"source": "gateway"}, "source cannot be changed"),
    ],
)
def test_a_bad_change_changes_nothing(operator, body, change, text):
    operator.post("/admin/fronting", body)

    assert text in problem(operator.call("PATCH", "/admin/fronting/gateway/files", change))
    assert (MAP, 1) == (FrontingLink.objects.get().scope_map, len(events()))


def test_a_change_can_be_tried(operator, body):
    operator.post("/admin/fronting", body)

    answer = operator.call("PATCH", "/admin/fronting/gateway/files?dry_run=true", {
        "scope_map": {"read": ["files:admin"]}
    })  # fmt: skip

    assert (200, {"read": ["files:admin"]}) == (answer.status_code, answer.json()["scope_map"])
    assert (MAP, 1) == (FrontingLink.objects.get().scope_map, len(events()))


@pytest.mark.parametrize("pair", ["files/gateway", "gateway/nobody", "nobody/files", "%00/files"])
def test_a_link_that_does_not_exist_is_not_found(operator, body, pair):
    operator.post("/admin/fronting", body)
    path = f"/admin/fronting/{pair}"

    for answer in (
        operator.get(path), operator.delete(path), operator.call("PATCH", path, {"scope_map": MAP})
    ):  # fmt: skip
        assert (404, "fronting link not found") == (answer.status_code, answer.json()["detail"])


def test_a_link_is_in_force_at_once_and_so_is_its_end(operator, scene):
    delegation = make_delegation(scene)
    token, path = delegation.subject_token(scope="read"), "/admin/fronting"
    ends = f"{delegation.front.slug}/{delegation.back.slug}"

    def errors():
        return [delegation.exchange(token, scope=name).json().get("error") for name in
                ("read", "write")]  # fmt: skip

    assert ["consent_required", "invalid_scope"] == errors()
    operator.post(path, {
        "source": delegation.front.slug, "target": delegation.back.slug,
        "scope_map": {"read": ["read"], "write": ["write"]},
    })  # fmt: skip
    assert [None, "invalid_scope"] == errors()
    operator.call("PATCH", f"{path}/{ends}", {"scope_map": {"read": ["write"]}})
    assert ["invalid_scope", None] == errors()
    operator.delete(f"{path}/{ends}")
    assert ["consent_required", "invalid_scope"] == errors()


# --- Listed ------------------------------------------------------------------------------------


def test_links_are_listed_and_filtered(operator, gateway, files):
    other = make_resource(slug="other")
    make_link(gateway, files, MAP)
    make_link(gateway, other)
    make_link(other, files, {"read": ["files:read"]})

    def pairs(query):
        found = operator.get(f"/admin/fronting?{query}").json()
        return found["total"], [
            (link["source_slug"], link["target_slug"]) for link in found["fronting_links"]
        ]

    everything = [("other", "files"), ("gateway", "other"), ("gateway", "files")]
    assert (3, everything) == pairs("")
    assert (2, everything[1:]) == pairs("source=gateway")
    assert (2, everything[::2]) == pairs("target=files")
    assert (1, everything[2:]) == pairs("source=gateway&target=files")
    assert (3, everything[1:2]) == pairs("limit=1&offset=1")
    assert (0, []) == pairs("source=nobody")
    assert (0, []) == pairs("source=%00")


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "offset=-1", "origin=gateway"])
def test_a_query_that_cannot_be_read_is_refused(operator, query):
    problem(operator.get(f"/admin/fronting?{query}"))


def test_a_resource_tells_both_sides(operator, gateway, files):
    make_link(gateway, files, MAP)

    fronts = operator.get("/admin/resources/gateway/fronting").json()
    fronted = operator.get("/admin/resources/files/fronting").json()

    assert ("gateway", []) == (fronts["slug"], fronts["fronted_by"])
    assert ("files", []) == (fronted["slug"], fronted["fronts"])
    assert fronts["fronts"] == fronted["fronted_by"]
    assert "files" == fronts["fronts"][0]["target_slug"]
    assert 404 == operator.get("/admin/resources/nobody/fronting").status_code


@pytest.mark.parametrize("path", ["/admin/fronting", "/admin/fronting/a/b",
                                  "/admin/resources/a/fronting"])  # fmt: skip
def test_nothing_is_told_without_the_key(operator, path):
    assert 401 == operator.get(path, key=None).status_code


# --- The resources while they are linked -------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "change", "text"),
    [
        ("gateway", {"scopes": [{"name": "read"}]}, "scopes must keep write"),
        ("gateway", {"scopes": [{"name": "read"}, {"name": "written"}]}, "scopes must keep write"),
        ("files", {"scopes": FINE[:2]}, "scopes must keep files:write"),
        ("files", {"slug": "renamed"}, "slug cannot be changed"),
        ("gateway", {"slug": "x", "scopes": []}, "use it; scopes must keep read, which a fronting"),
    ],
)  # fmt: skip
def test_a_linked_resource_keeps_what_the_link_uses(operator, body, slug, change, text):
    operator.post("/admin/fronting", body)
    row = Resource.objects.get(slug=slug)

    assert text in problem(operator.call("PATCH", f"/admin/resources/{row.pk}", change))
    assert row.scopes == Resource.objects.get(slug=slug).scopes


def test_scopes_that_no_link_uses_may_go(operator, body, files, gateway):
    operator.post("/admin/fronting", body)

    kept = operator.call("PATCH", f"/admin/resources/{files.pk}", {"scopes": FINE[:3]})
    same = operator.call("PATCH", f"/admin/resources/{gateway.pk}", {"slug": "gateway"})

    assert (200, 200) == (kept.status_code, same.status_code)
    assert "files does not have: files:admin" in problem(
        operator.call("PATCH", "/admin/fronting/gateway/files",
                      {"scope_map": {"read": ["files:admin"]}})
    )  # fmt: skip


@pytest.mark.parametrize("slug", ["gateway", "files"])
def test_a_linked_resource_is_deleted_with_its_links_or_not_at_all(operator, body, slug):
    operator.post("/admin/fronting", body)
    row = Resource.objects.get(slug=slug)
    path = f"/admin/resources/{row.pk}"

    refused = operator.delete(path)

    told = refused.json()
    assert (409, "conflict") == (refused.status_code, told["error"])
    assert [operator.get("/admin/fronting/gateway/files").json()] == told["dependents"]
    with pytest.raises(ProtectedError):
        row.delete()

    assert 204 == operator.delete(f"{path}?cascade=true").status_code
    assert not FrontingLink.objects.exists()
    assert {"source": "gateway", "target": "files", "reason": "resource_cascade"} == events()[1][2]
    (deleted,) = AuditEvent.objects.filter(action="resource.deleted")
    assert 1 == deleted.detail["cascaded_links"]


def test_a_cascade_that_is_refused_removes_no_link(operator, body, files):
    from oauth.models import ConsentGrant
    from tests.support.factories import make_client, make_user

    operator.post("/admin/fronting", body)
    ConsentGrant.objects.create(user=make_user(), client=make_client(), resource=files)

    answer = operator.delete(f"/admin/resources/{files.pk}?cascade=true")

    assert (409, False) == (answer.status_code, "dependents" in answer.json())
    assert (1, 1) == (FrontingLink.objects.count(), len(events()))


@pytest.mark.parametrize("query", ["cascade=yes", "cascade=", "force=true"])
def test_a_misspelt_cascade_deletes_nothing(operator, gateway, query):
    assert "cascade" in problem(operator.delete(f"/admin/resources/{gateway.pk}?{query}"))
    assert Resource.objects.filter(slug="gateway").exists()
