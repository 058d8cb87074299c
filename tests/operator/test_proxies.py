"""OAuth proxies and their sessions: over the operator API, from shell and seeds."""

from __future__ import annotations

import io
import json

import pytest
import yaml
from django.core.management import CommandError, call_command

from authplane.core.seeding import BadSeed, plant
from broker.models import AccessGroup, GatewaySession, OAuthProxy
from broker.providers.selectors import drop as drop_providers
from broker.providers.services import create_provider
from broker.proxies import seeds, services
from broker.proxies.selectors import proxy_by_id
from oauth.models import Client
from tests.support.digests import nothing_changes
from tests.support.factories import make_resource
from tests.support.record import recorded

pytestmark = pytest.mark.django_db
PATH = "/admin/oauth-proxies"
TARGET = "https://mcp.example.com/forge"
GOOD = {
    "slug": "forge",
    "name": "Forge files",
    "provider": "forge",
    "target_url": TARGET,
    "allowed_redirects": ["https://app.example.com/callback"],
    "scopes": ["read", "write"],
}


@pytest.fixture(autouse=True)
def provider():
    drop_providers()
    return create_provider({
        "slug": "forge", "preset": "github", "config_data": {"client_id": "c"},
        "secret": "hush-hush-4712",
    })  # fmt: skip


def refused(answer, status, error, *texts):
    assert answer.status_code == status, answer.content
    assert answer.json()["error"] == error
    for text in texts:
        assert text in answer.json()["error_description"]


@pytest.mark.shows(
    "audit event", "oauth_proxy.created", "oauth_proxy.patched", "oauth_proxy.deleted"
)
def test_the_whole_life_of_one(operator):
    made = operator.post(PATH, GOOD).json()
    path = f"{PATH}/{made['id']}"
    assert made == {
        **GOOD, "id": made["id"], "mode": "gateway", "provider_id": 1, "require_consent": True,
        "enabled": True, "config": {}, "version": 1,
        "issuer": f"http://localhost:9000/api/v1/oauth-proxy/{made['id']}",
    }  # fmt: skip
    assert isinstance(made["id"], int)
    assert operator.get(path).json() == operator.get(f"{PATH}/forge").json() == made
    assert operator.get(PATH).json()["oauth_proxies"] == [made]
    assert proxy_by_id(made["id"]).resource == TARGET

    changed = operator.patch(path, {"require_consent": False, "enabled": False}).json()
    assert (changed["require_consent"], changed["enabled"], changed["version"]) == (False, False, 2)
    assert proxy_by_id(made["id"]) is None
    refused(operator.patch(path, {"name": "x", "version": 1}), 409, "conflict")
    Client.objects.create(issuer=f"/api/v1/oauth-proxy/{made['id']}", client_id="gateway_1")
    assert operator.delete(path).status_code == 204
    assert operator.get(path).status_code == 404
    assert not Client.objects.filter(client_id="gateway_1").exists()
    for name in ("created", "patched", "deleted"):
        assert len(recorded(f"oauth_proxy.{name}")) == 1


def test_the_configuration_of_the_original_is_accepted(operator):
    written = {
        "oauth_proxy_enabled": True,
        "oauth_proxy_mode": "gateway",
        "oauth_proxy_provider_id": 1,
        "oauth_proxy_allowed_redirects": [
            "https://your-app.com/callback", "http://localhost:*/callback",
            "cursor://*/oauth/*/callback", "vscode://*",
        ],
        "oauth_proxy_require_consent": False,
    }  # fmt: skip

    made = operator.post(PATH, {"slug": "forge", "target_url": TARGET, "config": written}).json()

    assert made["config"] == written
    assert (made["provider"], made["mode"], made["require_consent"]) == ("forge", "gateway", False)
    assert made["allowed_redirects"] == written["oauth_proxy_allowed_redirects"]
    alias = {"config": {"oauth_proxy_allowed_redirect_uris": ["vscode://*"]}}
    changed = operator.patch(f"{PATH}/{made['id']}", alias).json()
    assert changed["allowed_redirects"] == ["vscode://*"]


@pytest.mark.spec("OAuth proxy", "X16", "MUST", "the provider types of the original are accepted")
@pytest.mark.parametrize("preset", ["okta", "google", "github", "azure_ad"])
def test_the_provider_types_of_the_original_are_accepted(operator, preset):
    details = {"client_id": "c"} | (
        {"domain": "acme.okta.com"} if preset == "okta" else {"tenant": "acme"}
        if preset == "azure_ad" else {}
    )  # fmt: skip
    made = operator.post(
        "/admin/broker-providers",
        {"slug": f"a-{preset.replace('_', '-')}", "preset": preset, "config_data": details,
         "secret": "never-shown-4713"},
    )  # fmt: skip

    assert made.status_code == 201, made.content
    assert "never-shown" not in operator.get("/admin/broker-providers").content.decode()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"slug": "No good"}, "slug must be"),
        ({"provider": 99}, "provider must be the number"),
        ({"provider": True}, "provider must be the number"),
        ({"target_url": "http://mcp.example.com/"}, "target_url must be https"),
        ({"target_url": "https://mcp.example.com/#x"}, "target_url must not have a fragment"),
        ({"target_url": "http://localhost:9000"}, "target_url must not be this server"),
        ({"mode": "bridge"}, "mode must be one of"),
        ({"allowed_redirects": ["https://*.example.com/"]}, "allowed_redirects must spell"),
        ({"allowed_redirects": ["http://example.com/*"]}, "allowed_redirects may name http"),
        ({"allowed_redirects": ["javascript:*"]}, "allowed_redirects must not name a scheme"),
        ({"allowed_redirects": ["*://x"]}, "allowed_redirects must be absolute"),
        ({"allowed_redirects": "vscode://*"}, "allowed_redirects must be a list"),
        ({"scopes": ["a b"]}, "scopes must be a list"),
        ({"require_consent": "no"}, "require_consent must be true or false"),
        ({"surplus": 1}, "surplus is not a member"),
        ({"config": {"oauth_proxy_colour": 1}}, "is not a member of config"),
        ({"config": {"oauth_proxy_mode": "upstream"}, "mode": "gateway"}, "something else than"),
        ({"config": []}, "config must be an object"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_stored(operator, change, text):
    with nothing_changes():
        refused(operator.post(PATH, GOOD | change), 400, "invalid_request", text)


def test_every_problem_is_told_at_once(operator):
    refused(
        operator.post(PATH, {}), 400, "invalid_request",
        "slug is required", "provider is required", "target_url is required",
    )  # fmt: skip


def test_slug_and_target_are_a_proxys_alone(operator):
    assert operator.post(PATH, GOOD).status_code == 201
    other = {"slug": "other", "target_url": f"{TARGET}/2"}

    refused(operator.post(PATH, GOOD | {"target_url": f"{TARGET}/2"}), 409, "conflict", "slug")
    refused(operator.post(PATH, GOOD | {"slug": "other"}), 409, "conflict", "target_url")
    make_resource(slug="r", uri=f"{TARGET}/2")
    refused(operator.post(PATH, GOOD | other), 409, "conflict", "a resource of this server")


@pytest.mark.spec(
    "OAuth proxy", "X14", "MUST", "tokens are passed on to registered resources alone"
)
def test_tokens_of_others_are_passed_on_to_registered_resources_alone(operator, client):
    body = GOOD | {"mode": "upstream"}
    refused(operator.post(PATH, body), 400, "passthrough_not_allowed", "upstream needs")
    assert not OAuthProxy.objects.exists()

    make_resource(slug="r", uri=TARGET)
    made = operator.post(PATH, body)
    assert made.status_code == 201, made.content
    answer = client.post(f"/api/v1/oauth-proxy/{made.json()['id']}/token")
    assert (answer.status_code, answer.json()["error"]) == (400, "passthrough_not_allowed")


def test_unknown_ones_are_not_found(operator):
    for key in ("999", "nobody", "9" * 30, "%00"):
        assert operator.get(f"{PATH}/{key}").status_code == 404
        assert operator.patch(f"{PATH}/{key}", {}).status_code == 404
        assert operator.delete(f"{PATH}/{key}").status_code == 404
        assert operator.get(f"/admin/proxy-sessions/{key}").status_code == 404
        assert operator.delete(f"/admin/proxy-sessions/{key}").status_code == 404


def test_pages_follow_each_other(operator):
    for number in range(3):
        one = {"slug": f"p{number}", "target_url": f"{TARGET}/{number}"}
        assert operator.post(PATH, GOOD | one).status_code == 201
    first = operator.get(f"{PATH}?limit=2").json()
    rest = operator.get(f"{PATH}?limit=2&cursor={first['next_cursor']}").json()

    slugs = [one["slug"] for one in (*first["oauth_proxies"], *rest["oauth_proxies"])]
    assert slugs == ["p2", "p1", "p0"]
    assert rest["next_cursor"] is None
    assert operator.get(f"{PATH}?cursor={'_' * 22}").status_code == 400


@pytest.mark.shows("audit event", "oauth_proxy.sessions_cleaned")
def test_who_had_ended_sessions_deleted_is_recorded(operator):
    assert operator.post("/admin/proxy-sessions/cleanup").json() == {"deleted_count": 0}

    assert recorded("oauth_proxy.sessions_cleaned") == [{"deleted": 0}]


def run(*arguments):
    out = io.StringIO()
    call_command("oauth_proxy", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command():
    made = run(
        "create", "forge", "--provider", "1", "--target-url", TARGET, "--redirect", "vscode://*",
        "--scope", "read",
    )  # fmt: skip
    assert made["allowed_redirects"] == ["vscode://*"]
    changed = run(
        "update", str(made["id"]), "--no-consent", "--config", '{"oauth_proxy_scopes":[]}'
    )
    assert (changed["require_consent"], changed["scopes"]) == (False, [])
    assert run("show", "forge")["version"] == 2
    assert run("list")["total"] == 1
    assert run("sessions", "--cleanup")["deleted_count"] == 0
    assert run("delete", "forge")["slug"] == "forge"
    for arguments in (("show", "forge"), ("create", "x"), ("create", "x", "--config", "{")):
        with pytest.raises(CommandError):
            run(*arguments)


@pytest.mark.shows("setting", "oauth_proxies")
def test_seeds():
    planted = plant([(seeds.OAUTH_PROXIES, [GOOD])])
    assert planted.created == ["forge"]
    assert plant([(seeds.OAUTH_PROXIES, [GOOD])]).skipped == ["forge"]
    with pytest.raises(BadSeed, match=r"OAuth proxy 1 \(other\): target_url"):
        plant([(seeds.OAUTH_PROXIES, [{"slug": "other", "provider": 1}])])


def test_one_file_has_a_proxy_what_it_leads_to_and_who_may_use_it(tmp_path):
    file = tmp_path / "seeds.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "access_groups": [{"name": "Readers", "proxy_access": [{"proxy": "forge"}]}],
                "oauth_proxies": [GOOD | {"mode": "upstream"}],
                "resources": [{"slug": "files", "uri": TARGET, "scopes": [{"name": "read"}]}],
            }
        )
    )

    call_command("load_seeds", str(file), verbosity=0)

    proxy = OAuthProxy.objects.get()
    assert proxy.mode == "upstream"
    assert [access.proxy for access in AccessGroup.objects.get().access.all()] == [proxy]


def test_a_provider_behind_a_proxy_stays(operator, provider):
    operator.post(PATH, GOOD)

    refused(operator.delete(f"/admin/broker-providers/{provider.pk}"), 409, "conflict", "proxies")


def test_find_by_slug_or_id():
    made = services.create_proxy(GOOD)

    assert services.find_proxy("forge") == services.find_proxy(str(made.pk)) == made
    assert not GatewaySession.objects.exists()
