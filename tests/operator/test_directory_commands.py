"""Keys, resources and seeds from the shell, seen over HTTP."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from authplane.core import clock
from tests.support.factories import make_resource

pytestmark = pytest.mark.django_db

JWKS = "/.well-known/jwks.json"
PRM = "/.well-known/oauth-protected-resource"
METADATA = "/.well-known/oauth-authorization-server"


def run(*arguments, **options):
    output = io.StringIO()
    call_command(*arguments, stdout=output, **options)
    return output.getvalue()


def run_json(*arguments, **options):
    return json.loads(run(*arguments, json=True, **options))


def published(oauth):
    return [key["kid"] for key in oauth.http.get(JWKS).json()["keys"]]


def all_slugs():
    from oauth.models import Resource

    return set(Resource.objects.values_list("slug", flat=True))


def refusal(*arguments, **options):
    with pytest.raises(CommandError) as refused:
        run(*arguments, **options)
    return str(refused.value)


class TestRotateKeys:
    @pytest.mark.shows("audit event", "key.rotated")
    def test_the_next_key_is_published_behind_the_present_one(self, oauth):
        (present,) = published(oauth)

        done = run_json("rotate_keys")

        assert ("upcoming", True, "ES256") == (done["state"], done["changed"], done["alg"])
        assert [present, done["kid"]] == published(oauth)
        assert not run_json("rotate_keys")["changed"]
        assert _recorded("key.rotated", done["kid"])

    def test_an_immediate_rotation_can_withdraw(self, oauth):
        (present,) = published(oauth)

        done = run_json("rotate_keys", immediate=True, withdraw=True)

        assert ([present], "active") == (done["withdrawn"], done["state"])
        assert [done["kid"]] == published(oauth)

    def test_people_get_one_line(self, oauth):
        assert run("rotate_keys").startswith("signing key: kid=")

    def test_the_first_key_is_made_once(self, oauth):
        made = run_json("rotate_keys", if_missing=True)

        assert [made["kid"]] == published(oauth)
        assert made == run_json("rotate_keys", if_missing=True)

    @pytest.mark.parametrize(
        "options", [{"withdraw": True}, {"immediate": True, "if_missing": True}]
    )
    def test_options_that_do_not_go_together_change_nothing(self, oauth, options):
        before = published(oauth)

        assert "--immediate" in refusal("rotate_keys", **options)
        assert before == published(oauth)

    def test_a_lost_data_key_stops_the_start(self, oauth, override_config):
        published(oauth)
        override_config(secrets={"data": "cd" * 32, "data_old": ""})

        assert "AUTHPLANE_DATA_ENCRYPTION_KEY" in refusal("rotate_keys", if_missing=True)

    def test_a_lost_data_key_is_found_by_the_system_check(self, oauth, override_config):
        from django.core.checks import run_checks

        def found():
            return {message.id for message in run_checks(databases=["default"])}

        published(oauth)
        assert "authplane.E010" not in found()
        override_config(secrets={"data": "cd" * 32, "data_old": ""})

        assert "authplane.E010" in found()


@pytest.mark.shows("setting", "signing.algorithm")
@pytest.mark.parametrize(("algorithm", "kty"), [("EdDSA", "OKP"), ("RS256", "RSA")])
def test_the_algorithm_is_that_of_the_next_key(oauth, override_config, algorithm, kty):
    override_config(signing={"algorithm": algorithm})

    run("rotate_keys", immediate=True)

    key = oauth.http.get(JWKS).json()["keys"][0]
    assert (algorithm, kty) == (key["alg"], key["kty"])


@pytest.mark.shows("setting", "signing.key_store", "signing.key_path")
def test_keys_may_live_in_a_file(oauth, override_config, tmp_path):
    in_database = published(oauth)
    override_config(signing={"key_store": "keyfile", "key_path": str(tmp_path)})

    (in_file,) = published(oauth)

    assert in_file not in in_database
    assert in_file in (tmp_path / "signing-keys.json").read_text()


@pytest.mark.shows("setting", "signing.jwks_max_age")
def test_a_next_key_waits_for_as_long_as_the_document_may_be_kept(
    frozen_clock, oauth, override_config
):
    override_config(signing={"jwks_max_age": 120})
    (present,) = published(oauth)
    assert "public, max-age=120" == oauth.http.get(JWKS).headers["cache-control"]
    new = run_json("rotate_keys")["kid"]

    frozen_clock.shift(119)
    assert [present, new] == published(oauth)
    frozen_clock.shift(1)
    assert [new, present] == published(oauth)


@pytest.mark.shows("setting", "signing.retire_after")
def test_a_replaced_key_stays_published_for_its_time(frozen_clock, oauth, override_config):
    override_config(signing={"retire_after": 9000})
    (old,) = published(oauth)
    run("rotate_keys", immediate=True)

    frozen_clock.shift(8999)
    assert old in published(oauth)
    frozen_clock.shift(2)
    assert old not in published(oauth)


@pytest.mark.shows("setting", "signing.rotation_interval")
def test_a_key_of_the_age_limit_is_replaced(frozen_clock, oauth, override_config):
    from oauth.keys.rotation import rotate_if_due

    override_config(signing={"rotation_interval": 3600})
    (old,) = published(oauth)

    frozen_clock.shift(3600)
    new = rotate_if_due(clock.now())

    assert [old, new.kid] == published(oauth)


class TestCreateResource:
    @pytest.mark.shows("audit event", "resource.created")
    def test_the_resource_is_published(self, oauth):
        made = run_json(
            "create_resource", "https://mcp.example.com/mcp", name="Files",
            scope=["read=Read your files.", "write"], default_scope=["read"],
        )  # fmt: skip

        document = oauth.http.get(f"{PRM}/mcp").json()
        assert ("mcp-example-com", "Files") == (made["slug"], document["resource_name"])
        assert ["read", "write"] == document["scopes_supported"]
        assert [
            {"name": "read", "description": "Read your files.", "default": True},
            {"name": "write"},
        ] == made["scopes"]
        assert _recorded("resource.created", made["id"])

    @pytest.mark.parametrize(
        ("arguments", "options", "complaint"),
        [
            (["nowhere"], {}, "no host"),
            (["nowhere"], {"slug": "A_B", "scope": ["a b"]}, "slug must be"),
            (["https://mcp.example.com"], {"slug": "taken"}, "another resource has this slug"),
            (["https://taken.example.com/"], {"slug": "free"}, "another resource has this uri"),
            (["https://mcp.example.com"], {"default_scope": ["read"]}, "not among the scopes"),
        ],
    )
    def test_a_refusal_says_why_and_makes_nothing(self, arguments, options, complaint):
        make_resource(slug="taken", uri="https://taken.example.com")
        before = all_slugs()

        assert complaint in refusal("create_resource", *arguments, **options)
        assert before == all_slugs()

    def test_everything_that_is_wrong_is_said(self):
        said = refusal("create_resource", "nowhere", slug="A_B", scope=["a b", "ok", "ok"])

        for part in ("slug ", "uri ", "scopes[0] ", "scopes[2] "):
            assert part in said


class TestSeeds:
    @pytest.mark.shows("setting", "resources")
    def test_configured_resources_are_made_once(self, oauth, override_config):
        seed = {"slug": "files", "uri": "https://mcp.example.com/files", "display_name": "Files"}
        override_config(seeds={"resources": (seed, {"slug": "notes"})})

        assert {"created": ["files", "notes"], "skipped": []} == run_json("load_seeds")
        assert "Files" == oauth.http.get(f"{PRM}/files").json()["resource_name"]

        override_config(seeds={"resources": (seed | {"display_name": "Other"},)})
        assert {"created": [], "skipped": ["files"]} == run_json("load_seeds")
        assert "Files" == oauth.http.get(f"{PRM}/files").json()["resource_name"]

    @pytest.mark.shows("setting", "resource.uri", "resource.scopes")
    def test_one_resource_can_be_named_by_the_environment(self, oauth, override_config):
        override_config(
            seeds={
                "resource_uri": "https://MCP.example.com:8443/tools",
                "resource_scopes": ("read", "write"),
            }
        )

        assert ["mcp-example-com"] == run_json("load_seeds")["created"]

        document = oauth.http.get(f"{PRM}/mcp-example-com").json()
        assert "https://MCP.example.com:8443/tools" == document["resource"]
        assert ["read", "write"] == document["scopes_supported"]

    def test_a_bad_seed_stops_them_all(self, override_config):
        before = all_slugs()
        override_config(seeds={"resources": ({"slug": "good"}, {"slug": "bad", "uri": "nowhere"})})

        said = refusal("load_seeds")

        assert "resource 2 (bad): uri " in said
        assert before == all_slugs()

    def test_a_file_of_seeds(self, tmp_path):
        file = tmp_path / "seeds.yaml"
        file.write_text(
            "resources:\n"
            "  - slug: files\n"
            "    uri: https://mcp.example.com/files\n"
            "    scopes:\n"
            "      - name: read\n"
            "        description: Read your files.\n"
        )

        assert ["files"] == run_json("load_seeds", str(file))["created"]

    @pytest.mark.parametrize(
        "content",
        [None, "", "resources: 5", "- a", "resources: [a]", "a: [", "resources: [{}]", b"\xff"],
    )
    def test_a_file_that_holds_no_seeds_is_refused(self, tmp_path, content):
        file = tmp_path / "seeds.yaml"
        if content is not None:
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        before = all_slugs()

        assert refusal("load_seeds", str(file))
        assert before == all_slugs()


@pytest.mark.shows("setting", "server.issuer")
def test_every_endpoint_stands_below_the_issuer(oauth, override_config):
    override_config(server={"issuer": "https://auth.example.com/a"})

    document = oauth.http.get(METADATA).json()

    endpoints = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(endpoints) > 5
    assert all(value.startswith("https://auth.example.com/a/") for value in endpoints)


@pytest.mark.shows("setting", "cimd.enabled")
def test_metadata_documents_can_be_switched_off(oauth, override_config):
    override_config(cimd={"enabled": False})

    assert "client_id_metadata_document_supported" not in oauth.http.get(METADATA).json()


@pytest.mark.shows(
    "metric", "authserver_key_rotation_total", "authserver_key_reload_duration_seconds"
)
def test_rotations_and_readings_of_keys_are_counted(oauth, override_config):
    override_config(metrics={"username": "metrics", "password": "correct horse"})
    published(oauth)
    rotations = _metric(oauth, "authserver_key_rotation_total")
    readings = _metric(oauth, "authserver_key_reload_duration_seconds_count")

    run("rotate_keys")
    published(oauth)

    assert rotations + 1 == _metric(oauth, "authserver_key_rotation_total")
    assert readings < _metric(oauth, "authserver_key_reload_duration_seconds_count")


def _metric(oauth, name):
    text = oauth.http.get("/metrics", auth=("metrics", "correct horse")).text
    lines = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(lines[0].rpartition(" ")[2]) if lines else 0.0


def _recorded(action, name):
    from audit.models import AuditEvent

    return any(name in row.detail.values() for row in AuditEvent.objects.filter(action=action))
