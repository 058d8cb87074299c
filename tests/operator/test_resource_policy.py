"""A resource's rules, as operators say them: over the operator API, from the shell, in YAML."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from authplane.core.management.actor import command_actor
from oauth.models import FrontingLink, Resource
from oauth.resources.selectors import find_resource
from oauth.resources.view import Rules
from tests.support.factories import make_client, make_link, make_resource

pytestmark = pytest.mark.django_db

RULES = {
    "dpop": "required", "grant_types": ["authorization_code", "refresh_token"],
    "token_lifetime": 120, "token_format": "opaque",
    "consent": {"projects": True},
}  # fmt: skip
NONE = dict.fromkeys(RULES)
LISTS = {"exchange": {"allowed_client_ids": []}, "runtime": {"client_ids": []}}


def rules_in_force(slug):
    return find_resource(slug).rules


def run(*arguments):
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def refusal(*arguments):
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    return str(refused.value)


# --- /admin/resources --------------------------------------------------------------------------


def test_rules_are_part_of_a_policy_at_creation(operator):
    body = {
        "slug": "files", "backend_kind": "mint", "uri": "https://files.example.com",
        "policy": RULES | {"connect": {}},
    }  # fmt: skip

    answer = operator.post("/admin/resources", body)

    assert (201, LISTS | RULES) == (answer.status_code, answer.json()["policy"])
    assert Rules(
        dpop="required", grants=frozenset(RULES["grant_types"]), lifetime=120,
        token_format="opaque", asks_projects=True,
    ) == rules_in_force("files")  # fmt: skip


def test_a_policy_is_replaced_whole(operator):
    row = make_resource(policy=RULES)

    answer = operator.call("PATCH", f"/admin/resources/{row.pk}", {"policy": {"dpop": "off"}})

    assert LISTS | {"dpop": "off"} == answer.json()["policy"]
    assert Rules(dpop="off") == rules_in_force(row.slug)


def test_a_rule_that_is_null_is_no_rule(operator):
    row = make_resource(policy=RULES)

    answer = operator.call("PATCH", f"/admin/resources/{row.pk}", {"policy": NONE})

    assert LISTS == answer.json()["policy"]
    assert Rules() == rules_in_force(row.slug)


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({"dpop": "sometimes"}, "policy.dpop must be one of off, optional, required"),
        ({"dpop": True}, "policy.dpop must be one of"),
        ({"dpop": ["required"]}, "policy.dpop must be one of"),
        ({"grant_types": []}, "policy.grant_types must be a list of at least one of"),
        ({"grant_types": "authorization_code"}, "policy.grant_types must be a list"),
        ({"grant_types": ["password"]}, "policy.grant_types must be a list"),
        ({"grant_types": [["authorization_code"]]}, "policy.grant_types must be a list"),
        ({"token_lifetime": 9}, "policy.token_lifetime must be a whole number of seconds, 10"),
        ({"token_lifetime": 86_401}, "policy.token_lifetime must be"),
        ({"token_lifetime": True}, "policy.token_lifetime must be"),
        ({"token_lifetime": 60.0}, "policy.token_lifetime must be"),
        ({"token_lifetime": "60"}, "policy.token_lifetime must be"),
        ({"token_format": "paseto"}, "policy.token_format must be one of jwt, opaque"),
        ({"consent": True}, "policy.consent must be an object with projects alone"),
        ({"consent": {"projects": "yes"}}, "policy.consent must be"),
        ({"consent": {"projects": True, "x": 1}}, "policy.consent must be"),
        ({"lifetime": 60}, "policy.lifetime is not a member of a policy"),
    ],
)
def test_a_bad_rule_is_refused_and_nothing_changes(operator, rules, text):
    row = make_resource(policy=RULES)

    answer = operator.call("PATCH", f"/admin/resources/{row.pk}", {"policy": rules})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert text in answer.json()["detail"]
    assert RULES == Resource.objects.get(pk=row.pk).policy
    assert not AuditEvent.objects.exists()


def test_every_bad_member_of_a_policy_is_told_at_once(operator):
    policy = {"dpop": 1, "token_lifetime": 1, "x": 1, "runtime": {"client_ids": ["nobody"]}}

    answer = operator.post("/admin/resources", {"slug": "!", "policy": policy})

    told = [problem.split()[0] for problem in answer.json()["detail"].split("; ")]
    assert [
        "backend_kind", "slug", "policy.dpop", "policy.token_lifetime", "policy.x",
        "policy.runtime.client_ids",
    ] == told  # fmt: skip


@pytest.mark.parametrize("nothing", [{}, {"projects": False}, {"projects": None}])
def test_asking_for_nothing_is_no_rule(operator, nothing):
    row = make_resource(policy=RULES)

    answer = operator.call("PATCH", f"/admin/resources/{row.pk}", {"policy": {"consent": nothing}})

    assert LISTS == answer.json()["policy"]
    assert Rules() == rules_in_force(row.slug)


# --- .../policy/rules --------------------------------------------------------------------------


def test_rules_are_changed_one_by_one(operator):
    slug = make_resource(policy={"runtime": {"client_ids": [make_client().client_id]}}).slug
    path = f"/admin/resources/{slug}/policy/rules"
    assert NONE == operator.get(path).json()

    first = operator.call("PATCH", path, {"dpop": "required", "token_lifetime": 60})
    second = operator.call("PATCH", path, {"token_lifetime": None, "token_format": "opaque"})
    third = operator.call("PATCH", path, {"token_format": "opaque"})

    assert NONE | {"dpop": "required", "token_lifetime": 60} == first.json()
    assert NONE | {"dpop": "required", "token_format": "opaque"} == second.json() == third.json()
    assert 1 == len(Resource.objects.get(slug=slug).policy["runtime"]["client_ids"])
    assert [{"fields": "policy"}] * 2 == [
        {"fields": event.detail["fields"]} for event in AuditEvent.objects.order_by("id")
    ]


def test_a_change_of_a_list_keeps_the_rules(operator):
    slug, client_id = make_resource(policy=RULES).slug, make_client().client_id

    operator.post(f"/admin/resources/{slug}/policy/runtime/client-ids", {"client_id": client_id})

    assert RULES == operator.get(f"/admin/resources/{slug}/policy/rules").json()


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"runtime": {}}, ["runtime is not a rule"]),
        ({"dpop": 1, "x": 1}, ["x is not a rule", "policy.dpop must be"]),
    ],
)
def test_what_is_no_rule_is_refused(operator, body, texts):
    slug = make_resource(policy=RULES).slug

    answer = operator.call("PATCH", f"/admin/resources/{slug}/policy/rules", body)

    assert 400 == answer.status_code
    assert all(text in answer.json()["detail"] for text in texts)
    assert RULES == Resource.objects.get(slug=slug).policy


def test_an_unknown_resource_has_no_rules(operator):
    path = "/admin/resources/nobody/policy/rules"

    assert (404, 404) == (
        operator.get(path).status_code, operator.call("PATCH", path, {}).status_code,
    )  # fmt: skip


# --- Commands ----------------------------------------------------------------------------------


def test_a_resource_is_made_with_its_policy():
    client_id = make_client().client_id

    run(
        "create_resource", "https://files.example.com/mcp", "--slug", "files",
        "--dpop", "required", "--grant-type", "refresh_token", "--grant-type",
        "authorization_code", "--token-lifetime", "120", "--token-format", "opaque",
        "--ask-projects",
        "--runtime-client", client_id, "--exchange-client", client_id,
    )  # fmt: skip

    assert RULES | {
        "runtime": {"client_ids": [client_id]}, "exchange": {"allowed_client_ids": [client_id]}
    } == Resource.objects.get(slug="files").policy  # fmt: skip


def test_a_resource_with_a_bad_policy_is_not_made():
    said = refusal(
        "create_resource", "https://files.example.com", "--token-lifetime", "1",
        "--runtime-client", "nobody",
    )  # fmt: skip

    assert "policy.token_lifetime" in said
    assert "not registered: nobody" in said


def test_rules_are_changed_from_the_shell():
    slug = make_resource(policy=RULES).slug

    shown = run("resource_policy", slug, "--json")
    changed = run("resource_policy", slug, "--json", "--dpop", "optional", "--reset", "grant_types")

    assert {"slug": slug} | RULES == json.loads(shown)
    assert RULES | {"slug": slug, "dpop": "optional", "grant_types": None} == json.loads(changed)
    assert Rules("optional", None, 120, "opaque", asks_projects=True) == rules_in_force(slug)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--token-lifetime", "5"], "policy.token_lifetime"),
        (["--dpop", "off", "--reset", "dpop"], "set and reset at once: dpop"),
        (["--dpop", "maybe"], "invalid choice"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(arguments, text):
    slug = make_resource(policy=RULES).slug

    assert text in refusal("resource_policy", slug, *arguments)
    assert RULES == Resource.objects.get(slug=slug).policy
    assert "not found" in refusal("resource_policy", "nobody")


class TestFrontingCommand:
    ENDS = ("--source", "gateway", "--target", "files")

    @pytest.fixture(autouse=True)
    def _resources(self, db):
        make_resource(slug="gateway")
        make_resource(slug="files", scopes=[{"name": "files:read"}, {"name": "urn:x,y=z"}])

    def link(self):
        return FrontingLink.objects.get().scope_map

    def test_names_with_colons_can_be_said(self):
        said = run(
            "fronting", "create", *self.ENDS, "--json",
            "--map", "read", "files:read", "urn:x,y=z", "--map", "write", "urn:x,y=z",
        )  # fmt: skip

        expected = {"read": ["files:read", "urn:x,y=z"], "write": ["urn:x,y=z"]}
        assert expected == self.link() == json.loads(said)["scope_map"]
        assert command_actor() == FrontingLink.objects.get().created_by

    def test_the_map_can_be_json(self):
        run("fronting", "create", *self.ENDS, "--scope-map", '{"read": ["files:read"]}')

        assert {"read": ["files:read"]} == self.link()

    def test_the_short_form_is_read_where_it_is_clear(self):
        make_resource(slug="plain")

        run("fronting", "create", "--source", "gateway", "--target", "plain",
            "--scope-map", "read:read, read:write")  # fmt: skip

        assert {"read": ["read", "write"]} == self.link()

    @pytest.mark.parametrize("text", ["read:files:read", "read", "{", "read:read,"])
    def test_an_unclear_map_is_refused(self, text):
        assert "--scope-map" in refusal("fronting", "create", *self.ENDS, "--scope-map", text)
        assert not FrontingLink.objects.exists()

    def test_a_dry_run_stores_nothing(self):
        arguments = ("fronting", "create", *self.ENDS, "--map", "read", "files:read", "--dry-run")

        assert run(*arguments).startswith("fronting link would be created: source_slug=gateway")
        assert not FrontingLink.objects.exists()
        assert "files does not have: x" in refusal(
            "fronting", "create", *self.ENDS, "--map", "read", "x", "--dry-run"
        )

    def test_links_are_changed_shown_listed_and_removed(self):
        assert "no fronting links found" in run("fronting", "list")
        run("fronting", "create", *self.ENDS, "--map", "read", "files:read")

        run("fronting", "update", *self.ENDS, "--map", "write", "files:read")
        one = json.loads(run("fronting", "get", *self.ENDS, "--json"))
        listed = json.loads(run("fronting", "list", "--json", "--source", "gateway"))
        assert {"write": ["files:read"]} == one["scope_map"]
        assert {"fronting_links": [one], "total": 1} == listed
        assert 0 == json.loads(run("fronting", "list", "--json", "--target", "gateway"))["total"]
        assert "fronting link: source_slug=gateway target_slug=files" in run("fronting", "list")

        assert run("fronting", "delete", *self.ENDS).startswith("fronting link deleted")
        assert "fronting link not found" in refusal("fronting", "get", *self.ENDS)

    @pytest.mark.parametrize("arguments", [[], ["create"], ["create", *ENDS], ["nothing"]])
    def test_an_incomplete_call_fails(self, arguments):
        assert refusal("fronting", *arguments)


# --- Seeds -------------------------------------------------------------------------------------

LINK = {"source": "gateway", "target": "files", "scope_map": {"read": ["read"]}}
GATEWAY, FILES = (
    {"slug": slug, "uri": f"https://{slug}.example.com", "scopes": [{"name": "read"}]}
    for slug in ("gateway", "files")
)


@pytest.mark.shows("setting", "fronting_links")
def test_configured_links_are_made_once_after_their_resources(override_config):
    override_config(seeds={
        "resources": (GATEWAY | {"policy": RULES}, FILES), "fronting_links": (LINK,),
    })  # fmt: skip

    first, second = json.loads(run("load_seeds", "--json")), json.loads(run("load_seeds", "--json"))

    assert ["gateway", "files", "gateway to files"] == first["created"] == second["skipped"]
    assert {"read": ["read"]} == FrontingLink.objects.get().scope_map
    assert RULES == {name: Resource.objects.get(slug="gateway").policy[name] for name in RULES}


def test_a_link_that_exists_is_not_changed(override_config):
    make_link(make_resource(slug="gateway"), make_resource(slug="files"), {"write": ["write"]})
    override_config(seeds={"fronting_links": (
        {"source_slug": "Gateway", "target_slug": "files", "scope_map": {"read": ["read"]}},
    )})  # fmt: skip

    assert ["gateway to files"] == json.loads(run("load_seeds", "--json"))["skipped"]
    assert {"write": ["write"]} == FrontingLink.objects.get().scope_map


def test_a_bad_link_stops_all_seeds(override_config):
    back = {"source": "files", "target": "gateway", "scope_map": {"read": ["read"]}}
    override_config(seeds={"resources": (GATEWAY, FILES), "fronting_links": (LINK, back)})

    said = refusal("load_seeds")

    assert "fronting link 2 (files to gateway): target leads to the source" in said
    assert not Resource.objects.filter(slug="gateway").exists()


def test_a_file_may_hold_links_alone(tmp_path):
    make_resource(slug="gateway")
    make_resource(slug="files")
    file = tmp_path / "seeds.yaml"
    file.write_text(
        "fronting_links:\n  - {source: gateway, target: files, scope_map: {read: [read]}}\n"
    )

    assert ["gateway to files"] == json.loads(run("load_seeds", str(file), "--json"))["created"]


@pytest.mark.parametrize("content", ["fronting_links: 5", "fronting_links: [{}]",
                                     "resources: []\nfronting_links: [a]"])  # fmt: skip
def test_a_bad_file_of_links_is_refused(tmp_path, content):
    file = tmp_path / "seeds.yaml"
    file.write_text(content)

    assert refusal("load_seeds", str(file))
