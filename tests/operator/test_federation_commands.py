"""Workload issuers and assertion audiences from the shell and from seeds."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from oauth.models import AssertionAudience, WorkloadIssuer
from tests.support.digests import nothing_changes
from tests.support.factories import make_client, make_confidential_client
from tests.support.platforms import JWT_BEARER, Platform, Workload
from tests.support.published import key_set, signing_key

pytestmark = pytest.mark.django_db
GITHUB = "https://token.actions.githubusercontent.com"


def run(*arguments):
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def run_json(*arguments):
    return json.loads(run(*arguments, "--json"))


def refusal(*arguments):
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    return str(refused.value)


@pytest.fixture
def client_id():
    return make_client(grant_types=[JWT_BEARER], scope="read").client_id


class TestWorkloadIssuers:
    def test_the_whole_life_of_one(self, client_id, tmp_path):
        made = run_json(
            "workload_issuer", "create", "--name", "GitHub", "--preset", "github_actions",
            "--map", f"repo:octo/widgets:ref:refs/heads/main={client_id}",
        )  # fmt: skip
        assert made["issuer"] == GITHUB
        key = made["id"]
        tried = run_json(
            "workload_issuer", "test", "--id", key,
            "--subject", "repo:octo/widgets:ref:refs/heads/main",
        )  # fmt: skip
        assert (tried["rule"], tried["client_id"], tried["problems"]) == (0, client_id, [])
        rules = tmp_path / "rules.json"
        rule = {"subject": "repo:octo/**", "client_id": client_id, "claims": {"ref": "x"}}
        rules.write_text(json.dumps([rule]))
        changed = run_json("workload_issuer", "update", "--id", key, "--rules", str(rules))
        assert changed["rules"] == [rule]
        assert not run_json("workload_issuer", "update", "--id", key, "--disable")["enabled"]
        assert run_json("workload_issuer", "get", "--id", key)["name"] == "GitHub"
        assert run_json("workload_issuer", "list")["total"] == 1
        assert "GitHub" in run("workload_issuer", "list")
        run("workload_issuer", "delete", "--id", key)
        assert not WorkloadIssuer.objects.exists()
        assert "no workload issuers" in run("workload_issuer", "list")

    def test_keys_from_a_file_work(self, scene, tmp_path):
        row = make_client(grant_types=[JWT_BEARER], scope="read")
        platform = Platform()
        keys = tmp_path / "jwks.json"
        keys.write_text(json.dumps(key_set(platform.key)))

        run(
            "workload_issuer", "create", "--name", "CI", "--issuer", platform.issuer,
            "--jwks", str(keys), "--map", f"{platform.subject}={row.client_id}",
        )  # fmt: skip

        from tests.support.factories import driver_for

        driver = driver_for(row, base=scene.client, resource=scene.resource.uri)
        assert Workload(platform, driver).ask().status_code == 200

    def test_what_is_wrong_is_told_and_nothing_changes(self, client_id, tmp_path):
        bad = tmp_path / "bad.json"
        bad.write_text("{")
        create = ["workload_issuer", "create", "--name", "X", "--issuer", "https://x.example.com"]
        with nothing_changes():
            assert "too wide" in refusal(*create, "--map", f"**={client_id}")
            assert "not registered" in refusal(*create, "--map", "a=nobody")
            assert "SUBJECT=CLIENT_ID" in refusal(*create, "--map", "a")
            assert "must be JSON" in refusal(*create, "--rules", str(bad))
            assert "cannot be read" in refusal(*create, "--jwks", str(tmp_path / "none"))
            assert "no id" in refusal("workload_issuer", "get", "--id", "7")
            unknown = "01890000-0000-7000-8000-000000000000"
            assert "not found" in refusal("workload_issuer", "get", "--id", unknown)
            assert "not found" in refusal("workload_issuer", "refresh-keys", "--id", unknown)
            assert "what is to change" in refusal("workload_issuer", "update", "--id", unknown)
            tried = ["workload_issuer", "test", "--id", unknown, "--subject", "x"]
            assert "not found" in refusal(*tried)


class TestAssertionAudiences:
    def test_the_whole_life_of_one(self):
        ids = [make_confidential_client().row.client_id for _ in range(2)]
        made = run_json(
            "assertion_audience", "create", "--name", "Chat",
            "--audience", "https://as.chat.example.com", "--client-id", f"{ids[0]}=wiki",
            "--client-id", ids[1], "--resource", "https://mcp.chat.example.com",
            "--scope", "chat.read",
        )  # fmt: skip
        assert made["remote_client_ids"] == {ids[0]: "wiki"}
        assert (made["client_ids"], made["scopes"]) == (ids, ["chat.read"])
        key = made["id"]
        assert (
            run_json("assertion_audience", "update", "--id", key, "--any-scope")["scopes"] is None
        )
        assert not run_json("assertion_audience", "update", "--id", key, "--disable")["enabled"]
        assert run_json("assertion_audience", "get", "--id", key)["name"] == "Chat"
        assert run_json("assertion_audience", "list")["total"] == 1
        run("assertion_audience", "delete", "--id", key)
        assert not AssertionAudience.objects.exists()

    def test_what_is_wrong_is_told_and_nothing_changes(self):
        with nothing_changes():
            create = ["assertion_audience", "create", "--name", "X", "--audience"]
            assert "https URL" in refusal(*create, "x")
            assert "not registered" in refusal(
                *create, "https://x.example.com", "--client-id", "nobody"
            )
            unknown = "01890000-0000-7000-8000-000000000000"
            assert "not found" in refusal("assertion_audience", "delete", "--id", unknown)
            assert "what is to change" in refusal("assertion_audience", "update", "--id", unknown)


@pytest.mark.shows("setting", "workload_issuers", "assertion_audiences")
def test_seeds_make_what_is_missing(client_id, override_config):
    override_config(
        seeds={
            "workload_issuers": (
                {
                    "name": "GitHub",
                    "preset": "github_actions",
                    "rules": [{"subject": "repo:octo/*:**", "client_id": client_id}],
                },
                {
                    "name": "Cluster",
                    "preset": "kubernetes",
                    "issuer": "https://cluster.example.com",
                    "jwks": key_set(signing_key()),
                },
            ),
            "assertion_audiences": ({"name": "Chat", "audience": "https://as.chat.example.com"},),
        }
    )

    planted = run_json("load_seeds")

    names = [GITHUB, "https://cluster.example.com", "https://as.chat.example.com"]
    assert set(names) <= set(planted["created"])
    assert set(names) <= set(run_json("load_seeds")["skipped"])


def test_a_bad_seed_stops_them_all(client_id, tmp_path):
    path = tmp_path / "seeds.yaml"
    path.write_text(
        "workload_issuers:\n"
        "  - name: GitHub\n    preset: github_actions\n"
        "assertion_audiences:\n"
        "  - name: Chat\n    audience: chat\n"
    )

    with nothing_changes():
        assert "assertion audience 1 (chat)" in refusal("load_seeds", str(path))


def test_the_console_shows_them_and_changes_nothing(client_id):
    from django.test import Client as Browser
    from django.urls import reverse

    from authplane.accounts.models import User

    rows = [
        WorkloadIssuer.objects.create(name="CI", issuer="https://ci.example.com"),
        AssertionAudience.objects.create(name="Chat", audience="https://as.example.com"),
    ]
    browser = Browser()
    browser.force_login(User.objects.create_superuser(email="operator@example.com"))

    for row in rows:
        name = row._meta.model_name
        assert browser.get(reverse(f"admin:oauth_{name}_changelist")).status_code == 200
        page = browser.get(reverse(f"admin:oauth_{name}_change", args=[row.pk]))
        assert page.status_code == 200
        assert b'name="_save"' not in page.content
        with nothing_changes():
            assert browser.get(reverse(f"admin:oauth_{name}_add")).status_code == 403
