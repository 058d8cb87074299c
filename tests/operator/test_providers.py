"""Upstream services: over the operator API, from shell and seeds."""

from __future__ import annotations

import io
import json
import logging
import uuid

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from broker.models import BrokerProvider, Connection
from broker.providers import services
from broker.providers.private_keys import public_jwk
from broker.providers.secrets import open_secret
from broker.providers.selectors import provider_by_id, provider_by_slug
from oauth.models import Resource
from tests.support.digests import nothing_changes
from tests.support.factories import make_resource, make_user
from tests.support.published import private_key
from tests.support.record import recorded

pytestmark = pytest.mark.django_db
PATH = "/admin/broker-providers"
SECRET = "hush-hush-4711"
GOOD = {
    "slug": "GitHub",
    "preset": "github",
    "config_data": {"client_id": "c"},
    "secret": SECRET,
}
NOBODY = str(uuid.uuid4())


@pytest.fixture
def github(operator):
    made = operator.post(PATH, GOOD)
    assert made.status_code == 201, made.content
    return made.json()


def refused(answer, status, error, *texts):
    assert answer.status_code == status, answer.content
    assert answer.json()["error"] == error
    for text in texts:
        assert text in answer.json()["error_description"]
    assert SECRET not in answer.content.decode()


class TestOverTheApi:
    @pytest.mark.spec(
        "OAuth proxy", "X16", "MUST", "secrets of providers are written and never read"
    )
    @pytest.mark.shows(
        "audit event",
        "broker_provider.created", "broker_provider.patched", "broker_provider.deleted",
    )  # fmt: skip
    def test_the_whole_life_of_one(self, operator):
        made = operator.post(PATH, GOOD).json()
        path = f"{PATH}/{made['id']}"
        assert made == {
            "id": made["id"], "number": 1, "slug": "github", "display_name": "GitHub",
            "protocol": "oauth", "preset": "github", "config_data": {"client_id": "c"},
            "has_secret": True, "enabled": True, "version": 1,
            "created_at": made["created_at"], "updated_at": made["updated_at"],
        }  # fmt: skip
        assert operator.get(path).json() == made
        assert operator.get(f"{PATH}?slug=github").json() == made
        listed = operator.get(PATH).json()
        assert listed == {"broker_providers": [made], "total": 1, "next_cursor": None}

        changed = operator.patch(path, {"display_name": "Forge", "enabled": False}).json()
        assert (changed["display_name"], changed["enabled"], changed["version"]) == (
            "Forge", False, 2,
        )  # fmt: skip
        assert operator.patch(path, {"secret": "other"}).status_code == 200
        assert operator.delete(path).status_code == 204
        assert operator.get(path).status_code == 404

        assert recorded("broker_provider.created") == [
            {"id": made["id"], "slug": "github", "protocol": "oauth"}
        ]
        assert recorded("broker_provider.patched") == [
            {"id": made["id"], "slug": "github", "fields": "display_name,enabled"},
            {"id": made["id"], "slug": "github", "fields": "secret"},
        ]
        assert recorded("broker_provider.deleted") == [{"id": made["id"], "slug": "github"}]

    def test_a_client_that_signs_is_made_with_a_key(self, operator, capsys):
        config = {"client_id": "c", "token_endpoint_auth_method": "private_key_jwt"}
        for secret in (SECRET, private_key("RS256")[:-80]):
            bad = operator.post(PATH, GOOD | {"config_data": config, "secret": secret})
            refused(bad, 400, "invalid_request", "secret is no PEM private key")
        pem = private_key("ES256")

        made = operator.post(PATH, GOOD | {"config_data": config, "secret": pem})

        assert made.status_code == 201, made.content
        call_command("broker_provider", "jwks", "github", "--json")
        (jwk,) = json.loads(capsys.readouterr().out)["keys"]
        assert jwk == public_jwk(pem)
        assert {"d", "p"}.isdisjoint(jwk)
        operator.post(PATH, GOOD | {"slug": "plain"})
        with pytest.raises(CommandError, match="there is no private key"):
            call_command("broker_provider", "jwks", "plain")

    def test_its_secret_is_nowhere_in_clear(self, operator, caplog):
        with caplog.at_level(logging.DEBUG):
            made = operator.post(PATH, GOOD)
            shown = operator.get(f"{PATH}/{made.json()['id']}")
            bad = operator.patch(f"{PATH}/{made.json()['id']}", {"secret": SECRET, "slug": "/"})
        row = BrokerProvider.objects.get()
        told = b"".join(answer.content for answer in (made, shown, bad)).decode()
        told += caplog.text + json.dumps(list(AuditEvent.objects.values_list("detail", flat=True)))
        assert SECRET not in told + json.dumps(row.config_data)
        assert SECRET.encode() not in bytes(row.secret_sealed)
        assert open_secret(row.pk, bytes(row.secret_sealed), reference="") == SECRET

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"slug": None}, "slug"),
            ({"slug": "no/slash"}, "slug"),
            ({"slug": "-x"}, "slug"),
            ({"slug": "a" * 65}, "slug"),
            ({"slug": 7}, "slug"),
            ({"display_name": ""}, "display_name"),
            ({"display_name": "a\x00"}, "display_name"),
            ({"display_name": ["x"]}, "display_name"),
            ({"protocol": "saml"}, "protocol must be one of"),
            ({"protocol": ["oauth"]}, "protocol must be one of"),
            ({"protocol": "api_key"}, "preset is only for the protocol oauth"),
            ({"preset": "myspace"}, "preset must be one of"),
            ({"preset": {}}, "preset must be one of"),
            ({"config_data": []}, "config_data must be a JSON object"),
            ({"config_data": {"client_id": "c", "client_secret": SECRET}}, "a secret in clear"),
            ({"config_data": {}}, "config_data.client_id is required"),
            ({"secret": ""}, "secret must be a text"),
            ({"secret": 7}, "secret must be a text"),
            ({"secret": "\ud800"}, "valid"),
            ({"secret": None}, "client_secret_ref is required"),
            ({"enabled": "yes"}, "enabled must be true or false"),
            ({"id": NOBODY}, "id is not a member"),
            ({"number": 7}, "number is not a member"),
        ],
    )
    def test_every_problem_is_told_and_nothing_is_stored(self, operator, change, text):
        with nothing_changes():
            refused(operator.post(PATH, {**GOOD, **change}), 400, "invalid_request", text)

    def test_several_problems_at_once(self, operator):
        answer = operator.post(PATH, {"slug": "/", "preset": "github", "enabled": 1})
        refused(answer, 400, "invalid_request", "slug", "enabled", "client_id", "client_secret_ref")

    def test_a_slug_is_taken_once(self, operator, github):
        with nothing_changes():
            refused(operator.post(PATH, GOOD), 409, "conflict", "slug")
        other = operator.post(PATH, {**GOOD, "slug": "other"}).json()
        assert other["number"] == github["number"] + 1
        with nothing_changes():
            refused(operator.patch(f"{PATH}/{other['id']}", {"slug": "github"}), 409, "conflict")

    def test_a_patch_that_says_nothing_new_writes_nothing(self, operator, github):
        with nothing_changes():
            for body in ({}, {"slug": "GITHUB"}, {"config_data": {"client_id": "c"}}):
                assert operator.patch(f"{PATH}/{github['id']}", body).status_code == 200

    def test_a_patch_of_another_version_changes_nothing(self, operator, github):
        path = f"{PATH}/{github['id']}"
        with nothing_changes():
            refused(operator.patch(path, {"display_name": "x", "version": 7}), 409, "conflict")
            refused(operator.patch(path, {"version": "1"}), 400, "invalid_request")
        answer = operator.patch(path, {"display_name": "x", "version": 1})
        assert (answer.status_code, answer.json()["version"]) == (200, 2)

    def test_a_patch_is_judged_with_what_is_there(self, operator, github):
        path = f"{PATH}/{github['id']}"
        with nothing_changes():
            refused(operator.patch(path, {"secret": None}), 400, "invalid_request")
        body = {
            "secret": None,
            "config_data": {"client_id": "c", "client_secret_ref": "CONNECTOR_X"},
        }
        assert operator.patch(path, body).json()["has_secret"] is False

    def test_who_is_connected_keeps_the_protocol_and_the_provider(self, operator, github):
        path = f"{PATH}/{github['id']}"
        connection = Connection.objects.create(user=make_user(), provider_id=github["id"])
        body = {
            "protocol": "api_key", "preset": "", "secret": None,
            "config_data": {"header_name": "X-Key"},
        }  # fmt: skip
        with nothing_changes():
            refused(operator.patch(path, body), 400, "invalid_request", "users are connected")
            refused(operator.delete(path), 409, "conflict", "1 users are connected")
        Connection.objects.filter(pk=connection.pk).update(revoked_at=connection.created_at)
        assert operator.delete(path).status_code == 204
        assert not Connection.objects.exists()

    def test_a_resource_keeps_its_provider(self, operator, github):
        make_resource(slug="forge", uri="", backend_kind="broker", broker_provider=github["id"])
        with nothing_changes():
            refused(operator.delete(f"{PATH}/{github['id']}"), 409, "conflict", "forge")

    def test_names_of_nobody(self, operator, github):
        for key in (NOBODY, "github", "\x00"):
            refused(operator.get(f"{PATH}/{key}"), 404, "not_found")
            refused(operator.patch(f"{PATH}/{key}", {}), 404, "not_found")
            refused(operator.delete(f"{PATH}/{key}"), 404, "not_found")
        refused(operator.get(f"{PATH}?slug=nobody"), 404, "not_found")
        refused(operator.get(f"{PATH}?slug=github&limit=1"), 400, "invalid_request")
        refused(operator.get(f"{PATH}?protocol=oauth"), 400, "invalid_request")

    def test_presets_say_what_they_fill_in(self, operator):
        presets = {row["name"]: row for row in operator.get(f"{PATH}/presets").json()["presets"]}
        assert presets["okta"]["needs"] == ["client_id", "domain"]
        assert presets["google"]["config_data"]["extra_auth_params"]["access_type"] == "offline"
        assert set(presets) == {
            "github", "google", "slack", "notion", "linear", "atlassian", "azure_ad", "okta",
            "auth0", "gitlab", "oidc",
        }  # fmt: skip

    def test_without_the_key_there_is_nothing(self, operator):
        for path in (PATH, f"{PATH}/presets", f"{PATH}/{NOBODY}"):
            assert operator.get(path, key="").status_code == 401


class TestWhatRequestsSee:
    def test_a_change_is_seen_at_once(self, operator, github):
        key = uuid.UUID(github["id"])
        seen = provider_by_slug("github")
        assert seen == provider_by_id(key)
        assert seen.usable().token_url == "https://github.com/login/oauth/access_token"
        assert seen.secret() == SECRET
        assert SECRET not in repr(seen)
        services.patch_provider(key, {"slug": "forge", "secret": "other"})
        assert provider_by_slug("github") is None
        assert provider_by_slug("forge").secret() == "other"
        services.delete_provider(key)
        assert provider_by_id(key) is None
        assert provider_by_id(None) is None

    def test_a_row_written_past_the_checks_is_not_used(self):
        BrokerProvider.objects.create(number=1, slug="bad", protocol="oauth", config_data={})
        seen = provider_by_slug("bad")
        assert seen.settings is None
        with pytest.raises(services.BadProvider, match="client_id"):
            seen.usable()


BROKERED = {
    "slug": "forge",
    "backend_kind": "broker",
    "scopes": [{"name": "code", "upstream": "repo"}, {"name": "me", "upstream": ["a", "b"]}],
}


class TestBrokeredResources:
    @pytest.mark.parametrize("by", ["id", "slug", "both"])
    def test_a_resource_names_its_provider(self, operator, github, by):
        names = {"broker_provider_id": github["id"], "broker_provider_slug": "GITHUB"}
        if by != "both":
            names = {f"broker_provider_{by}": names[f"broker_provider_{by}"]}
        made = operator.post("/admin/resources", {**BROKERED, **names})
        assert made.status_code == 201, made.content
        assert made.json()["broker_provider_id"] == github["id"]
        assert made.json()["scopes"] == BROKERED["scopes"]
        listed = operator.get(f"/admin/resources?broker_provider_id={github['id']}").json()
        assert [made.json()] == listed["resources"]
        assert operator.get("/admin/resources?backend_kind=broker").json()["total"] == 1
        assert operator.get(f"/admin/resources?broker_provider_id={NOBODY}").json()["total"] == 0

    @pytest.mark.parametrize(
        ("names", "status", "text"),
        [
            ({}, 400, "is required for a brokered resource"),
            ({"broker_provider_id": NOBODY}, 400, "names no provider"),
            ({"broker_provider_id": "x"}, 400, "must be the id of a provider"),
            ({"broker_provider_id": 7}, 400, "must be the id of a provider"),
            ({"broker_provider_id": ""}, 400, "is required for a brokered resource"),
            ({"broker_provider_slug": "nobody"}, 404, "broker provider not found"),
            ({"broker_provider_slug": "a/b"}, 400, "must be the slug of a provider"),
            ({"broker_provider_slug": 7}, 400, "must be the slug of a provider"),
            (
                {"backend_kind": "mint", "broker_provider_slug": "github"},
                400,
                "is only for brokered resources",
            ),
        ],
    )
    def test_a_provider_that_cannot_be(self, operator, github, names, status, text):
        with nothing_changes():
            answer = operator.post("/admin/resources", {**BROKERED, **names})
            refused(answer, status, "not_found" if status == 404 else "invalid_request", text)

    def test_two_names_of_two_providers(self, operator, github):
        operator.post(PATH, {**GOOD, "slug": "other"})
        body = {**BROKERED, "broker_provider_id": github["id"], "broker_provider_slug": "other"}
        with nothing_changes():
            answer = operator.post("/admin/resources", body)
            refused(answer, 400, "invalid_request", "name different providers")

    def test_a_resource_changes_its_provider_and_its_kind(self, operator, github):
        other = operator.post(PATH, {**GOOD, "slug": "other"}).json()
        made = operator.post("/admin/resources", {**BROKERED, "broker_provider_slug": "github"})
        path = f"/admin/resources/{made.json()['id']}"
        changed = operator.patch(path, {"broker_provider_id": other["id"]}).json()
        assert changed["broker_provider_id"] == other["id"]
        assert recorded("resource.patched")[-1]["fields"] == "broker_provider_id"
        assert operator.delete(f"{PATH}/{github['id']}").status_code == 204
        with nothing_changes():
            assert operator.patch(path, {"broker_provider_slug": "other"}).status_code == 200
        minted = operator.patch(path, {"backend_kind": "mint"}).json()
        assert (minted["backend_kind"], minted["broker_provider_id"]) == ("mint", "")
        refused(operator.patch(path, {"backend_kind": "broker"}), 400, "invalid_request")

    def test_what_its_scopes_are_called_upstream(self, operator, github):
        from oauth.resources.selectors import find_resource

        scopes = [*BROKERED["scopes"], {"name": "same"}, {"name": "none", "upstream": []}]
        body = {**BROKERED, "scopes": scopes, "broker_provider_slug": "github"}
        assert operator.post("/admin/resources", body).status_code == 201
        view = find_resource("forge")
        assert view.broker_provider == uuid.UUID(github["id"])
        assert view.upstream_scopes(["code", "same", "none", "unknown"]) == ("repo", "same")
        assert view.upstream_scopes(["me"]) == ("a", "b")

    def test_a_link_needs_a_target_with_a_provider(self, operator, github):
        make_resource(slug="front")
        make_resource(
            slug="orphan", uri="", backend_kind="broker", broker_provider=uuid.uuid4(),
            scopes=[{"name": "code"}],
        )  # fmt: skip
        operator.post("/admin/resources", {**BROKERED, "broker_provider_slug": "github"})
        link = {"source": "front", "target": "orphan", "scope_map": {"read": ["code"]}}
        with nothing_changes():
            refused(operator.post("/admin/fronting", link), 400, "invalid_request", "no provider")
        assert operator.post("/admin/fronting", {**link, "target": "forge"}).status_code == 201


def command(*arguments, **options):
    out = io.StringIO()
    call_command("broker_provider", *arguments, stdout=out, **options)
    return out.getvalue()


class TestFromTheShell:
    def test_the_whole_life_of_one(self, tmp_path, monkeypatch):
        secret = tmp_path / "secret"
        secret.write_text(f"{SECRET}\n")
        made = command(
            "create", "okta", "--preset", "okta", "--client-id", "c", "--set", "domain=a.okta.com",
            "--secret-file", str(secret), "--json",
        )  # fmt: skip
        assert SECRET not in made
        assert json.loads(made)["config_data"] == {"client_id": "c", "domain": "a.okta.com"}
        assert provider_by_slug("okta").secret() == SECRET

        monkeypatch.setattr("sys.stdin", io.StringIO("other\n"))
        command(
            "update", "okta", "--name", "Ours", "--set", "domain=b.okta.com", "--secret-file", "-"
        )
        seen = provider_by_slug("okta")
        assert (seen.display_name, seen.secret()) == ("Ours", "other")
        assert seen.usable().token_url == "https://b.okta.com/oauth2/default/v1/token"

        assert json.loads(command("list", "--json"))["total"] == 1
        assert "slug=okta" in command("list")
        assert "display_name=Ours" in command("show", "okta")
        command("update", "okta", "--disable", "--new-slug", "sign-in")
        assert provider_by_slug("sign-in").enabled is False
        assert "deleted" in command("delete", "sign-in")
        assert "no broker providers found" in command("list")
        assert len(json.loads(command("presets", "--json"))["presets"]) == 11
        assert "name=github" in command("presets")

    def test_a_configuration_comes_from_a_file(self, tmp_path):
        path = tmp_path / "config.json"
        path.write_text(json.dumps({"header_name": "X-Key"}))
        arguments = ("create", "keys", "--protocol", "api_key", "--name", "Keys")
        command(*arguments, "--config-data", str(path))
        assert provider_by_slug("keys").usable().header_name == "X-Key"

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (["create", "x"], "protocol must be one of"),
            (["create", "x", "--preset", "github"], "client_id is required"),
            (["create", "x", "--set", "y"], "MEMBER=VALUE"),
            (["create", "x", "--set", f"client_secret={SECRET}", "--preset", "github"], "in clear"),
            (["create", "x", "--secret-file", "/nowhere"], "cannot be read"),
            (["create", "x", "--config-data", "/dev/null"], "is empty"),
            (["update", "github"], "nothing to change"),
            (["update", "nobody", "--name", "x"], "not found"),
            (["show", "nobody"], "not found"),
            (["delete", "nobody"], "not found"),
            (["update", "github", "--forget-secret"], "client_secret_ref is required"),
        ],
    )
    def test_a_refusal_says_why_and_changes_nothing(self, github, arguments, text):
        with nothing_changes(), pytest.raises(CommandError, match=text) as caught:
            command(*arguments)
        assert SECRET not in str(caught.value)

    def test_there_is_no_option_for_a_secret(self):
        with pytest.raises(CommandError):
            command("create", "x", "--secret", SECRET)


class TestBrokeredResourcesFromTheShell:
    def test_one_is_made(self, github):
        from oauth.resources.selectors import find_resource

        arguments = (
            "--slug", "forge", "--broker-provider", "github", "--scope", "code=See your code.",
            "--scope", "me", "--upstream", "code=repo", "--upstream", "code=read:org",
        )  # fmt: skip
        call_command("create_resource", *arguments, stdout=io.StringIO())
        view = find_resource("forge")
        assert (view.uri, view.backend_kind) == ("", "broker")
        assert view.upstream_scopes(["code", "me"]) == ("repo", "read:org", "me")

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ([], "say its URI"),
            (["--broker-provider", "github"], "say its URI"),
            (["--slug", "x", "--broker-provider", "nobody"], "broker provider not found"),
            (["https://x.example/", "--upstream", "a=b"], "goes with --broker-provider"),
            (["--slug", "x", "--broker-provider", "github", "--upstream", "a"], "NAME=UPSTREAM"),
            (["--slug", "x", "--broker-provider", "github", "--upstream", "a=b"], "not among"),
        ],
    )
    def test_a_refusal_says_why_and_changes_nothing(self, github, arguments, text):
        with nothing_changes(), pytest.raises(CommandError, match=text):
            call_command("create_resource", *arguments, stdout=io.StringIO())


class TestSeeds:
    @pytest.mark.shows("setting", "broker_providers")
    def test_providers_are_planted_before_the_resources_that_need_them(self, override_config):
        override_config(
            seeds={
                "resources": ({**BROKERED, "broker_provider_slug": "github"},),
                "broker_providers": (
                    {
                        "slug": "github", "preset": "github",
                        "config_data": {"client_id": "c", "client_secret_ref": "CONNECTOR_X"},
                    },
                ),
            }
        )  # fmt: skip
        call_command("load_seeds", verbosity=0)
        call_command("load_seeds", verbosity=0)
        row = BrokerProvider.objects.get()
        assert Resource.objects.get(slug="forge").broker_provider == row.pk
        assert len(recorded("broker_provider.created")) == 1

    def test_those_of_a_file(self, tmp_path):
        path = tmp_path / "seeds.yaml"
        path.write_text(
            "broker_providers:\n"
            "  - {slug: up, preset: github,"
            " config_data: {client_id: c, client_secret_env: AUTHPLANE_VAULT_UP}}\n"
        )
        call_command("load_seeds", str(path), verbosity=0)
        assert provider_by_slug("up").usable().secret_ref == "AUTHPLANE_VAULT_UP"

    def test_a_bad_one_stops_them_all(self, override_config):
        override_config(seeds={"broker_providers": ({"slug": "x", "protocol": "oauth"},)})
        with nothing_changes(), pytest.raises(CommandError, match=r"broker provider 1 \(x\)"):
            call_command("load_seeds", verbosity=0)

    @pytest.mark.shows(
        "setting",
        "broker_provider.slug", "broker_provider.display_name", "broker_provider.protocol",
        "broker_provider.client_id", "broker_provider.client_secret_ref",
        "broker_provider.authorize_url", "broker_provider.token_url",
        "broker_provider.response_format",
    )  # fmt: skip
    def test_one_of_the_environment(self, override_config):
        override_config(
            broker_provider={
                "slug": "up", "client_id": "c", "client_secret_ref": "CONNECTOR_X",
                "authorize_url": "https://up.example/a", "token_url": "https://up.example/t",
                "response_format": "form",
            }
        )  # fmt: skip
        call_command("load_seeds", verbosity=0)
        seen = provider_by_slug("up")
        assert (seen.display_name, seen.protocol) == ("up", "oauth")
        assert seen.usable().response_format == "form"

        override_config(
            broker_provider={"slug": "second", "display_name": "Second", "protocol": "oauth"}
        )
        call_command("load_seeds", verbosity=0)
        assert provider_by_slug("second").display_name == "Second"

    @pytest.mark.shows(
        "setting",
        "broker_provider.preset", "broker_provider.domain", "broker_provider.tenant",
    )  # fmt: skip
    def test_one_of_the_environment_on_top_of_the_list(self, override_config):
        reference = {"client_secret_ref": "CONNECTOR_X"}
        override_config(
            seeds={
                "broker_providers": (
                    {"slug": "okta", "config_data": {**reference, "domain": "a.okta.com"}},
                )
            },
            broker_provider={
                "slug": "okta", "preset": "okta", "client_id": "c", "domain": "b.okta.com",
            },
        )  # fmt: skip
        call_command("load_seeds", verbosity=0)
        assert provider_by_slug("okta").usable().issuer == "https://b.okta.com/oauth2/default"

        single = {
            "slug": "entra",
            "preset": "azure_ad",
            "tenant": "t",
            "domain": "",
            "client_id": "c",
        }
        override_config(broker_provider={**single, **reference})
        call_command("load_seeds", verbosity=0)
        assert "/t/oauth2" in provider_by_slug("entra").usable().token_url
