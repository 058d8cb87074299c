from __future__ import annotations

import uuid

import pytest

from oauth.resources import policy
from oauth.resources.errors import BadResource, NoSuchResource, ResourceConflict, ResourceInUse
from oauth.resources.selectors import find_resource, issuer_resource, resource_of_audience
from oauth.resources.services import create_resource, delete_resource, patch_resource
from tests.support.factories import make_client, make_resource, make_user

pytestmark = pytest.mark.django_db

BODY = {
    "slug": "files",
    "uri": "https://mcp.example.com/files",
    "backend_kind": "mint",
    "display_name": "Files",
    "scopes": [{"name": "read", "description": "Read files.", "default": True}],
}


def events(action):
    from audit.models import AuditEvent

    return list(AuditEvent.objects.filter(action=action).order_by("id"))


def rows():
    from oauth.models import Resource

    return list(Resource.objects.order_by("id").values())


class TestCreate:
    def test_the_resource_is_found_by_all_its_names(self):
        row = create_resource(BODY, actor="admin")

        for name in ("files", BODY["uri"], "HTTPS://MCP.example.com:443/files/"):
            assert row.pk == find_resource(name).id
        assert row.pk == resource_of_audience(BODY["uri"]).id
        assert resource_of_audience(BODY["uri"] + "/") is None

    def test_it_is_recorded(self):
        row = create_resource(BODY, actor="admin")

        (event,) = events("resource.created")
        assert ("admin", {"id": str(row.pk), "slug": "files"}) == (event.actor_id, event.detail)

    def test_all_problems_are_told_and_nothing_is_made(self):
        before = rows()

        with pytest.raises(BadResource) as refused:
            create_resource({"slug": "-", "uri": "x", "scopes": 5, "extra": 1})

        assert {"slug", "uri", "scopes", "extra", "backend_kind"} == {
            problem.field for problem in refused.value.problems
        }
        assert (before, []) == (rows(), events("resource.created"))

    @pytest.mark.parametrize(
        "members",
        [
            {"slug": "files", "uri": "https://other.example.com"},
            {"slug": "FILES", "uri": ""},
            {"slug": "other", "uri": "https://mcp.example.com/files"},
            {"slug": "other", "uri": "https://MCP.EXAMPLE.com:443/files/"},
            {"slug": "account", "uri": ""},
            {"slug": "other", "uri": "http://localhost:9000/"},
        ],
    )
    def test_names_are_unique_in_every_spelling(self, members):
        create_resource(BODY)
        before = rows()

        with pytest.raises(ResourceConflict):
            create_resource(BODY | members)

        assert before == rows()

    def test_several_resources_may_have_no_uri(self):
        create_resource(BODY | {"slug": "one", "uri": ""})
        create_resource(BODY | {"slug": "two", "uri": None})

    def test_policies_name_registered_clients_only(self):
        known = make_client().client_id
        policy_of = {"runtime": {"client_ids": [known, "stranger"]}}

        with pytest.raises(BadResource, match="not registered: stranger"):
            create_resource(BODY | {"policy": policy_of})

        policy_of["runtime"]["client_ids"].pop()
        create_resource(BODY | {"policy": policy_of})
        assert frozenset({known}) == find_resource("files").runtime_client_ids


class TestPatch:
    def test_absent_members_stay(self):
        row = create_resource(BODY)

        patched = patch_resource(row.pk, {"display_name": "Documents"}, actor="admin")

        assert ("Documents", BODY["uri"], 2) == (patched.display_name, patched.uri, patched.version)
        (event,) = events("resource.patched")
        assert "display_name" == event.detail["fields"]
        assert "Documents" == find_resource("files").display_name

    @pytest.mark.parametrize(
        "body", [{}, {"slug": "files"}, {"slug": None}, {"scopes": BODY["scopes"]}]
    )
    def test_what_changes_nothing_writes_nothing(self, body):
        row = create_resource(BODY)
        before = rows()

        patch_resource(row.pk, body)

        assert (before, []) == (rows(), events("resource.patched"))

    def test_names_of_others_cannot_be_taken(self):
        create_resource(BODY)
        other = make_resource()
        before = rows()

        for body in ({"slug": "files"}, {"uri": BODY["uri"] + "/"}):
            with pytest.raises(ResourceConflict):
                patch_resource(other.pk, body)

        assert before == rows()

    def test_its_own_name_can_be_spelt_anew(self):
        row = create_resource(BODY)

        assert patch_resource(row.pk, {"uri": BODY["uri"] + "/"}).uri.endswith("/")

    def test_a_bad_body_changes_nothing(self):
        row = create_resource(BODY)
        before = rows()

        with pytest.raises(BadResource):
            patch_resource(row.pk, {"display_name": "Documents", "scopes": [{"name": "a b"}]})

        assert before == rows()

    @pytest.mark.parametrize(
        "body", [{"slug": "me"}, {"uri": "https://a.example.com"}, {"scopes": []}]
    )
    def test_of_the_built_in_resource_only_looks_and_policy_change(self, body):
        key = issuer_resource().id
        before = rows()

        with pytest.raises(BadResource, match="built-in"):
            patch_resource(key, body)

        assert before == rows()
        assert "Profile" == patch_resource(key, {"display_name": "Profile"}).display_name

    def test_unknown_ids_are_told(self):
        with pytest.raises(NoSuchResource):
            patch_resource(uuid.uuid4(), {"display_name": "x"})


class TestDelete:
    def test_it_is_gone_and_recorded(self):
        row = create_resource(BODY)
        assert find_resource("files")

        delete_resource(row.pk, actor="admin")

        assert find_resource("files") is None
        assert "files" == events("resource.deleted")[0].detail["slug"]

    def test_standing_consent_keeps_it(self):
        from authplane.core import clock
        from oauth.models import ConsentGrant

        row = create_resource(BODY)
        consent = ConsentGrant.objects.create(
            user=make_user(), client=make_client(), resource=row, scopes=["read"]
        )

        with pytest.raises(ResourceInUse):
            delete_resource(row.pk)
        assert find_resource("files")

        ConsentGrant.objects.filter(pk=consent.pk).update(revoked_at=clock.now())
        delete_resource(row.pk)
        assert find_resource("files") is None

    def test_the_built_in_resource_stays(self):
        with pytest.raises(ResourceInUse):
            delete_resource(issuer_resource().id)

        assert issuer_resource()

    def test_unknown_ids_are_told(self):
        with pytest.raises(NoSuchResource):
            delete_resource(uuid.uuid4())


@pytest.mark.parametrize(
    ("of", "action"),
    [
        (policy.EXCHANGE, "resource.policy.exchange.allowed_client"),
        (policy.RUNTIME, "resource.policy.runtime.client"),
    ],
)
class TestPolicyLists:
    def test_adding_twice_is_adding_once(self, of, action):
        create_resource(BODY)
        client = make_client().client_id

        for _ in range(2):
            assert [client] == policy.add_client("files", of=of, client_id=client, actor="admin")

        assert [client] == policy.listed_clients("files", of=of)
        (event,) = events(f"{action}.added")
        assert (client, {"slug": "files"}) == (event.client_id, event.detail)

    def test_removing_twice_is_removing_once(self, of, action):
        create_resource(BODY)
        client, other = make_client().client_id, make_client().client_id
        for each in (client, other):
            policy.add_client("files", of=of, client_id=each)

        for _ in range(2):
            assert [other] == policy.remove_client("files", of=of, client_id=client)

        assert 1 == len(events(f"{action}.removed"))

    def test_the_other_list_stays_as_it_is(self, of, action):
        create_resource(BODY)
        client = make_client().client_id
        other = policy.RUNTIME if of is policy.EXCHANGE else policy.EXCHANGE
        policy.add_client("files", of=other, client_id=client)

        policy.add_client("files", of=of, client_id=client)
        policy.remove_client("files", of=of, client_id=client)

        assert [client] == policy.listed_clients("files", of=other)

    def test_strangers_are_refused(self, of, action):
        create_resource(BODY)

        for stranger in ("stranger", ""):
            with pytest.raises(BadResource):
                policy.add_client("files", of=of, client_id=stranger)

        assert ([], []) == (policy.listed_clients("files", of=of), events(f"{action}.added"))

    def test_unknown_resources_are_told(self, of, action):
        for change in (policy.add_client, policy.remove_client):
            with pytest.raises(NoSuchResource):
                change("nowhere", of=of, client_id="x")
        with pytest.raises(NoSuchResource):
            policy.listed_clients("nowhere", of=of)
