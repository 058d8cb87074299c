"""`/admin/configuration`: one document, out and in again, without secrets and without surprises."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from django.apps import apps
from django.db import connection

from admin_api.schemas.configuration import SECTIONS
from audit.models import AuditEvent
from authplane.core.models import RuntimeSetting
from oauth.models import Client, Resource
from tests.support.digests import nothing_changes
from tests.support.factories import make_client, make_user

PATH = "/admin/configuration"
YAML = "application/yaml"
HUSH, QUIET = "hush-hush-4712", "quiet-quiet-4713"
BODIES = [
    ("/admin/broker-providers", {
        "slug": "forge", "preset": "github", "config_data": {"client_id": "c"}, "secret": HUSH,
    }),
    ("/admin/broker-providers", {
        "slug": "maps", "display_name": "Maps: on, off", "protocol": "api_key", "enabled": False,
        "config_data": {"header_name": "X-Key"},
    }),
    ("/admin/resources", {
        "slug": "gateway", "uri": "https://mcp.example.com/gateway", "display_name": "Gateway",
        "scopes": [{"name": "read", "default": True}, {"name": "on"}],
        "policy": {"dpop": "required", "token_lifetime": 60},
    }),
    ("/admin/resources", {
        "slug": "files", "backend_kind": "broker", "broker_provider_slug": "forge",
        "scopes": [{"name": "read", "upstream": ["repo", "user"]}],
        "policy": {"connect": {"allowed_return_urls": ["https://app.example.com/done"]}},
    }),
    ("/admin/fronting", {
        "source": "gateway", "target": "files", "scope_map": {"read": ["read"]},
    }),
    ("/admin/oauth-proxies", {
        "slug": "gate", "provider": "forge", "target_url": "https://mcp.example.com/forge",
        "allowed_redirects": ["https://app.example.com/callback"],
    }),
    ("/admin/oauth-proxies", {
        "slug": "direct", "name": "Direct", "provider": "forge", "mode": "upstream",
        "target_url": "https://mcp.example.com/gateway", "require_consent": False,
    }),
    ("/admin/access-groups", {
        "name": "builders",
        "proxy_access": [{"proxy": "gate", "requests_per_minute": 60}, {"proxy": "direct"}],
    }),
    ("/admin/identity-providers", {
        "slug": "acme", "display_name": "Acme", "issuer": "https://acme.example.com",
        "client_id": "us", "secret": QUIET, "role_map": {"staff": "admin"},
        "allowed_domains": ["example.com"],
    }),
    ("/admin/identity-providers", {
        "slug": "beta", "display_name": "Beta", "issuer": "https://beta.example.com",
        "client_id": "us", "secret_ref": "CONNECTOR_BETA_SECRET", "enabled": False,
    }),
    ("/admin/idps", {
        "name": "Okta", "issuer": "https://idp.example.com",
        "jwks_uri": "https://idp.example.com/jwks",
    }),
    ("/admin/workload-issuers", {
        "name": "Cluster", "issuer": "https://cluster.example.com", "preset": "kubernetes",
        "jwks_uri": "https://cluster.example.com/jwks", "audience": "https://auth.example.com",
    }),
    ("/admin/assertion-audiences", {
        "name": "Chat", "audience": "https://as.chat.example.com", "scopes": None,
    }),
]  # fmt: skip
CONFIDENTIAL = {
    "client_name": "Reports", "redirect_uris": ["https://r.example.com/cb"],
    "token_endpoint_auth_method": "client_secret_basic", "scope": "read",
}  # fmt: skip


@pytest.fixture
def filled(operator):
    """A server with one of everything, and the ids of its two clients."""
    ids = []
    public = {"client_name": "Public", "redirect_uris": ["https://p.example.com/cb"]}
    for body in (CONFIDENTIAL, {**public, "dpop_bound_access_tokens": True}):
        made = operator.post("/admin/clients", body)
        assert made.status_code == 201, made.content
        ids.append(made.json()["client_id"])
    for path, body in BODIES:
        known = {"backend_kind": "mint"} if path == "/admin/resources" else {}
        made = operator.post(path, {**known, **body})
        assert made.status_code == 201, made.content
        if path == "/admin/idps":
            policy = {"name": "p", "idp_id": made.json()["id"], "client_ids": ids, "scopes": []}
            for _ in range(2):
                assert operator.post("/admin/xaa/policies", policy).status_code == 201
    path = "/admin/resources/gateway/policy/exchange/allowed-clients"
    assert operator.post(path, {"client_id": ids[0]}).status_code == 200
    rules = [{"subject": "system:serviceaccount:prod:*", "client_id": ids[0]}]
    issuer = operator.get("/admin/workload-issuers").json()["workload_issuers"][0]["id"]
    assert operator.patch(f"/admin/workload-issuers/{issuer}", {"rules": rules}).status_code == 200
    assert operator.call("PATCH", f"/admin/clients/{ids[1]}/suspend").status_code == 200
    operator.patch("/admin/settings/dcr", {"mode": "admin_only"})
    operator.patch("/admin/settings/limits", {"request_burst": 9})
    operator.patch("/admin/settings/approvals", {"dcr": 2})
    notice = {"id": "m", "severity": "info", "title": "Maintenance", "body": "On Sunday."}
    operator.call("PUT", "/admin/settings/notices", {"notices": [notice]})
    return ids


def exported(operator):
    answer = operator.get(PATH)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, YAML)
    return answer.content.decode()


def apply(operator, document, query=""):
    text = document if isinstance(document, str) else yaml.safe_dump(document)
    return operator.call("POST", f"{PATH}{query}", raw=text, content_type=YAML)


def empty():
    """No row is left of what the document can hold; users, keys and the record stay."""
    for name in ("oauth.FrontingLink", "oauth.XAAPolicy", "oauth.TrustedIdP",
                 "oauth.WorkloadIssuer", "oauth.AssertionAudience", "oauth.Client",
                 "broker.AccessGroup", "broker.OAuthProxy", "broker.IdentityProvider",
                 "broker.BrokerProvider"):  # fmt: skip
        if name == "broker.BrokerProvider":
            Resource.objects.exclude(backend_kind="issuer").delete()
        apps.get_model(name).objects.all().delete()
    RuntimeSetting.objects.all().delete()


def everything():
    """Every row of what a document is about, and the record."""
    tables = {}
    for app in ("oauth", "broker", "core", "audit"):
        for model in apps.get_app_config(app).get_models():
            tables[model._meta.label] = [*model._default_manager.order_by("pk").values()]
    return tables


@pytest.mark.shows("audit event", "configuration.applied")
def test_a_document_makes_the_same_server_again(operator, filled):
    text = exported(operator)
    document = yaml.safe_load(text)
    assert set(SECTIONS) <= set(document)
    assert document["secrets_left_out"] == [
        "broker_providers.forge.secret", "identity_providers.acme.secret",
    ]  # fmt: skip
    empty()
    by_slug = {row["slug"]: row for row in document["broker_providers"]}
    by_slug["forge"]["secret"] = HUSH
    document["identity_providers"][0]["secret"] = QUIET

    answer = apply(operator, document)

    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert exported(operator) == text
    assert (told["unchanged"], sorted(told["secrets"])) == (0, [filled[0]])
    assert f"clients.{filled[0]}" in told["created"]
    assert set(told["changed"]) == {f"settings.{name}" for name in document["settings"]}
    assert Client.objects.get(client_id=filled[1]).status == "suspended"
    row = AuditEvent.objects.get(action="configuration.applied")
    assert (row.actor_id, row.detail["created"]) == ("admin", len(told["created"]))
    assert AuditEvent.objects.filter(action="broker_provider.created").count() == 4


def test_what_is_so_already_changes_nothing_and_is_not_recorded(operator, filled):
    document = yaml.safe_load(exported(operator))
    for row in (*document["broker_providers"], *document["identity_providers"]):
        if row["slug"] in {"forge", "acme"}:
            # The very secrets that are stored.
            row["secret"] = {"forge": HUSH, "acme": QUIET}[row["slug"]]
    before = everything()

    answer = apply(operator, document)

    assert answer.status_code == 200, answer.content
    assert (answer.json()["created"], answer.json()["changed"]) == ([], [])
    assert answer.json()["unchanged"] == 4 + sum(len(document[name]) for name in SECTIONS)
    assert everything() == before


def test_no_secret_is_in_it(operator, filled):
    digest = Client.objects.get(client_id=filled[0]).client_secret
    for accept in (YAML, "application/json"):
        text = operator.get(PATH, accept=accept).content.decode()
        assert not [secret for secret in (HUSH, QUIET, digest, "sealed") if secret in text]


def test_no_database_chooses_the_order_of_members(operator, filled):
    document = yaml.safe_load(exported(operator))

    scope = next(row for row in document["resources"] if row["slug"] == "gateway")["scopes"][0]
    assert list(scope) == ["name", "default"]
    assert list(document["settings"]["notices"][0]) == ["id", "body", "severity", "title"]
    assert list(document)[:3] == ["format", "secrets_left_out", "settings"]


def test_json_is_the_same_document(operator, filled):
    answer = operator.get(PATH, accept="application/json")

    assert answer.json() == yaml.safe_load(exported(operator))
    again = operator.post(PATH, answer.json())
    assert (again.status_code, again.json()["changed"]) == (200, [])


def test_a_rehearsal_tells_everything_and_changes_nothing(operator, filled):
    document = yaml.safe_load(exported(operator))
    document["clients"].append({"client_id": "fresh", **CONFIDENTIAL})
    document["resources"][0] |= {"display_name": "Other"}
    document["settings"]["dcr"]["mode"] = "open"
    del document["settings"]["approvals"]["dcr"]
    before = everything()

    rehearsed = apply(operator, document, "?dry_run=true")

    assert rehearsed.status_code == 200, rehearsed.content
    assert everything() == before
    assert operator.get("/admin/settings/dcr").json() == {"mode": "admin_only"}
    done = apply(operator, document).json()
    assert list(done.pop("secrets")) == ["fresh"]
    assert rehearsed.json() == done
    changed = {"resources.files", "settings.dcr", "settings.approvals"}
    assert (done["created"], set(done["changed"])) == (["clients.fresh"], changed)


def test_every_entry_can_be_changed(operator, filled):
    document = yaml.safe_load(exported(operator))
    for name in SECTIONS:
        for row in document[name]:
            if name == "clients":
                row["scope"] = "other"
                row["status"] = "active"
            elif name == "fronting_links":
                row["scope_map"] = {"on": ["read"]}
            elif name == "resources":
                row["display_name"] = "Other"
            else:
                row["enabled"] = not row.get("enabled", True)

    answer = apply(operator, document)

    assert answer.status_code == 200, answer.content
    assert answer.json()["created"] == []
    assert len(answer.json()["changed"]) == sum(len(document[name]) for name in SECTIONS)
    now = yaml.safe_load(exported(operator))
    for name in SECTIONS:
        assert len(now[name]) == len(document[name])
    assert {row.get("enabled") for row in now["xaa_policies"]} == {False}
    assert {(row["scope"], "status" in row) for row in now["clients"]} == {("other", False)}


def test_what_is_left_out_becomes_what_it_is_by_default(operator, filled):
    document = {"format": 1, "resources": [{"slug": "gateway", "scopes": [
        {"name": "read"}, {"name": "on"},
    ], "uri": "https://mcp.example.com/gateway"}]}  # fmt: skip

    answer = apply(operator, document)

    assert answer.json() == {"created": [], "changed": ["resources.gateway"], "unchanged": 0}
    assert Resource.objects.get(slug="gateway").policy == {
        "exchange": {"allowed_client_ids": []}, "runtime": {"client_ids": []},
    }  # fmt: skip


def test_names_may_be_given_up_and_taken_in_one_document(operator, filled):
    document = {"format": 1, "resources": [
        {"slug": "another", "uri": "https://mcp.example.com/gateway"},
        {"slug": "gateway", "uri": "https://mcp.example.com/moved",
         "scopes": [{"name": "read"}, {"name": "on"}]},
    ]}  # fmt: skip

    answer = apply(operator, document)

    assert answer.json()["created"] == ["resources.another"], answer.content


def test_one_bad_entry_changes_nothing_and_every_problem_is_told(operator, filled):
    document = yaml.safe_load(exported(operator))
    document["clients"].append({"client_id": "fresh", **CONFIDENTIAL})
    document["clients"].append({"client_id": "https://x.example.com/doc", "client_name": "X"})
    document["resources"].append({"slug": "?", "colour": "red"})
    document["idps"].append({"name": "New", "issuer": "https://new.example.com"})
    document["settings"]["limits"] = {"request_burst": 0}
    before = everything()

    answer = apply(operator, document)

    assert answer.status_code == 400
    told = answer.json()["error_description"]
    for part in ("clients[3]", "client_id must be", "resources[2]", "colour is not a member",
                 "idps[1]", "an import asks no other server", "settings.limits"):  # fmt: skip
        assert part in told, told
    assert "clients[2]" not in told
    assert everything() == before


@pytest.mark.parametrize(
    ("place", "change", "told"),
    [
        ("idps", {"jwks_uri": "https://evil.example.com/jwks"}, "jwks_uri cannot be changed"),
        ("workload_issuers", {"preset": "generic"}, "preset cannot be changed"),
        ("clients", {"token_endpoint_auth_method": "private_key_jwt"}, "can be changed"),
        ("clients", {"status": "revoked"}, "status must be active or suspended"),
        ("xaa_policies", {"idp_id": "x"}, "idp_id cannot be changed"),
        ("identity_providers", {"slug": "oidc"}, "is kept for the provider of AUTHPLANE_OIDC"),
    ],
)
def test_what_cannot_be_changed_is_said(operator, filled, place, change, told):
    document = yaml.safe_load(exported(operator))
    document[place][0] |= change

    with nothing_changes():
        answer = apply(operator, document)

    assert answer.status_code == 400
    assert told in answer.json()["error_description"]


def test_where_keys_are_stays_when_it_is_not_said(operator, filled):
    document = {"format": 1, "workload_issuers": [{
        "name": "Cluster", "issuer": "https://cluster.example.com", "preset": "kubernetes",
    }], "idps": [{"name": "Okta", "issuer": "https://idp.example.com"}]}  # fmt: skip

    told = apply(operator, document).json()

    assert told == {
        "created": [], "changed": ["workload_issuers.https://cluster.example.com"], "unchanged": 1,
    }  # fmt: skip
    shown = yaml.safe_load(exported(operator))["workload_issuers"][0]
    assert shown["jwks_uri"] == "https://cluster.example.com/jwks"
    assert "rules" not in shown


def test_of_what_every_server_has_only_changes_are_told(operator):
    assert "resources" not in yaml.safe_load(exported(operator))
    document = {"format": 1, "resources": [{"slug": "account", "display_name": "You"}]}

    assert apply(operator, document).json()["changed"] == ["resources.account"]
    assert yaml.safe_load(exported(operator))["resources"] == document["resources"]
    back = {"format": 1, "resources": [{"slug": "account"}]}
    assert apply(operator, back).json()["changed"] == ["resources.account"]
    assert "resources" not in yaml.safe_load(exported(operator))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_the_second_works_on_what_the_first_left(operator):
    resources = [{"slug": f"r{number}", "scopes": [{"name": "read"}]} for number in range(9)]
    document = {"format": 1, "resources": resources, "clients": [
        {"client_id": "fresh", **CONFIDENTIAL},
    ]}  # fmt: skip

    def run(_):
        try:
            answer = apply(operator, document)
            return answer.status_code, len(answer.json()["created"]), answer.json()["unchanged"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        told = sorted(pool.map(run, range(4)))

    assert told == [(200, 0, 10)] * 3 + [(200, 10, 0)]
    assert yaml.safe_load(exported(operator))["resources"] == resources


@pytest.mark.parametrize(
    "body",
    [
        "", "[]", "format: 2", "resources: []", "format: 1\nconnections: []",
        "format: 1\nresources: {}", "format: 1\nresources: [1]", "format: 1\nsettings: {x: 1}",
        "format: 1\nformat: 1", "format: 1\nresources: &a [*a]", "format: true",
        "format: 1\nresources: [{slug: 2020-01-01}]\nidps: [!!timestamp 2020-01-01]",
        "format: 1\nidps: [{1: 2}]", "format: 1\nidps: !!python/object:os.system {}",
        'format: 1\nresources: [{slug: "a\\0"}]', "format: 1\nidps: [{name: .nan}]",
        "format: 1\nidps: " + "[" * 99 + "]" * 99, "format: 1\nsecrets_left_out: 1",
        "format: 1\nsettings: {dcr: null}", "format: 1\nsettings: {approvals: {x: 1}}",
        "format: 1\nclients: [{client_id: x, client_name: X, client_secret: s}]",
        "format: 1\nclients: [{client_id: [x], client_name: X, status: [y]}]",
        "format: 1\nresources: [{slug: a}, {slug: a}]",
        "format: 1\nworkload_issuers: [{name: x, preset: {a: 1}}]", "\x00", "a: b: c",
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused(operator, body):
    with nothing_changes():
        assert apply(operator, body).status_code == 400


def test_too_much_and_other_media_are_refused(operator):
    assert apply(operator, "a" * (1024 * 1024 + 1)).status_code == 413
    odd = operator.call("POST", PATH, raw="format: 1", content_type="text/csv")
    assert odd.status_code == 400
    assert apply(operator, "format: 1", "?dry_run=yes").status_code == 400


def test_clients_that_others_made_stay_theirs(operator):
    stranger = make_client(registration_source="dcr")
    document = {"format": 1, "clients": [{"client_id": stranger.client_id, **CONFIDENTIAL}]}

    with nothing_changes():
        answer = apply(operator, document)

    assert answer.status_code == 400
    assert "clients" not in yaml.safe_load(exported(operator))


def test_a_request_sent_twice_tells_the_secret_twice(operator):
    document = yaml.safe_dump({"format": 1, "clients": [{"client_id": "fresh", **CONFIDENTIAL}]})
    key = "an-idempotency-key-of-mine"
    answers = [
        operator.call("POST", PATH, raw=document, content_type=YAML, **{"idempotency-key": key})
        for _ in range(2)
    ]

    assert answers[0].json()["secrets"]["fresh"]
    assert answers[0].json() == answers[1].json()


def test_what_belongs_to_users_is_not_in_it(operator, filled):
    user = make_user()
    group = operator.get("/admin/access-groups").json()["access_groups"][0]["id"]
    body = {"name": "ci", "user_id": str(user.pk), "user_group_id": group}
    assert operator.post("/admin/api-keys", body).status_code == 201

    text = exported(operator)

    assert user.email not in text
    assert not {"connections", "api_keys", "mcp_servers", "subject_mappings"} & set(
        yaml.safe_load(text)
    )


def test_the_commands_print_and_read_it(operator, filled, tmp_path, capsys):
    from admin_api.commands.main import main

    assert main(["configuration", "show"]) == 0
    text = capsys.readouterr().out
    assert text.strip() == exported(operator).strip()
    file = tmp_path / "configuration.yaml"
    file.write_text(text.replace("display_name: Gateway", "display_name: Doorway"))

    assert main(["configuration", "apply", "--body", str(file), "--dry-run"]) == 0
    assert "resources.gateway" in capsys.readouterr().out
    assert Resource.objects.get(slug="gateway").display_name == "Gateway"
    assert main(["configuration", "apply", "--body", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == ["resources.gateway"]
