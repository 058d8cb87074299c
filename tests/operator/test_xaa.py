"""Identity providers, their policies and mappings: over the operator API, from shell and seeds."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from oauth.models import SubjectMapping, TrustedIdP, XAAPolicy
from tests.support.digests import nothing_changes
from tests.support.factories import make_user
from tests.support.idp import IdentityProvider, enterprise, sample
from tests.support.published import internet, key_set, signing_key
from tests.support.record import recorded

pytestmark = pytest.mark.django_db
ISSUER = "https://idp.example.com"
JWKS = "https://idp.example.com/jwks"
OPERATIONS = "authplane_xaa_idp_operations_total"
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def world(monkeypatch):
    with internet(monkeypatch) as reachable:
        yield reachable


@pytest.fixture
def idp(operator):
    made = operator.post("/admin/idps", {"name": "Okta", "issuer": ISSUER, "jwks_uri": JWKS})
    assert made.status_code == 201, made.content
    return made.json()


def put(operator, path, body):
    return operator.call("PUT", path, body)


def refused(answer, status, error, *texts):
    assert answer.status_code == status, answer.content
    body = answer.json()
    assert body["error"] == error
    for text in texts:
        assert text in body["error_description"]


class TestProviders:
    @pytest.mark.shows("audit event", "idp.created", "idp.updated", "idp.deleted")
    @pytest.mark.shows("metric", "authplane_xaa_idp_operations_total")
    def test_the_whole_life_of_one(self, operator):
        before = sample(OPERATIONS, operation="register")
        body = {"name": "Okta", "issuer": ISSUER, "jwks_uri": JWKS}
        made = operator.post("/admin/idps", body).json()
        path = f"/admin/idps/{made['id']}"
        assert made | body == made
        assert (made["audience"], made["enabled"]) == ("http://localhost:9000", True)
        assert sample(OPERATIONS, operation="register") == before + 1
        assert operator.get(path).json() == made
        changed = put(operator, path, {"name": "Okta EU", "enabled": False}).json()
        assert (changed["name"], changed["enabled"]) == ("Okta EU", False)
        assert put(operator, path, {}).json() == changed
        assert operator.delete(path).status_code == 204
        assert operator.get(path).status_code == 404
        (one,) = recorded("idp.updated")
        assert one["fields"] == "name,enabled"
        assert recorded("idp.created") == recorded("idp.deleted")

    def test_the_list_has_an_envelope_and_pages(self, operator, idp):
        operator.post("/admin/idps", {"name": "B", "issuer": "https://b.example", "jwks_uri": JWKS})

        first = operator.get("/admin/idps?limit=1").json()
        second = operator.get(f"/admin/idps?limit=1&cursor={first['next_cursor']}").json()

        assert (first["total"], [row["name"] for row in first["idps"]]) == (2, ["B"])
        assert (second["idps"], second["next_cursor"]) == ([idp], None)
        refused(operator.get("/admin/idps?limit=0"), 400, "invalid_request")
        refused(operator.get("/admin/idps?name=x"), 400, "invalid_request")

    def test_every_problem_of_a_body_is_told(self, operator):
        body = {"issuer": "http://idp.example.com", "jwks_uri": "ftp://x", "audience": 7,
                "enabled": "yes", "colour": "blue"}  # fmt: skip
        with nothing_changes():
            answer = operator.post("/admin/idps", body)

        refused(answer, 400, "invalid_request", "name is required", "issuer must be an https URL",
                "jwks_uri must be", "audience must be", "enabled must be",
                "colour is not")  # fmt: skip

    @pytest.mark.parametrize(
        "issuer",
        ["", "idp", "https://", "https://u@x.example", "https://x.example/#f", "https://x.example/?q",
         "https://x .example", 7, ["https://x.example"], "https://x.example/" + "a" * 600],
    )  # fmt: skip
    def test_an_issuer_is_a_plain_https_url(self, operator, issuer):
        with nothing_changes():
            answer = operator.post("/admin/idps", {"name": "X", "issuer": issuer, "jwks_uri": JWKS})
        refused(answer, 400, "invalid_request", "issuer")

    @pytest.mark.parametrize(
        "issuer", [ISSUER, f"{ISSUER}:8443", "http://localhost:9000x", "http://localhost:9000"]
    )
    def test_an_issuer_has_one_row_and_no_double(self, operator, idp, issuer, override_config):
        override_config(cimd={"require_https": False})
        with nothing_changes():
            answer = operator.post("/admin/idps", {"name": "X", "issuer": issuer, "jwks_uri": JWKS})
        if issuer.endswith("x"):
            refused(answer, 400, "invalid_request")
        else:
            refused(answer, 409, "conflict")

    def test_a_workload_issuer_is_no_identity_provider(self, operator):
        from oauth.models import WorkloadIssuer

        WorkloadIssuer.objects.create(name="W", issuer=ISSUER, jwks_uri=JWKS, rules=[])
        body = {"name": "X", "issuer": ISSUER, "jwks_uri": JWKS}
        refused(operator.post("/admin/idps", body), 409, "conflict")

    @pytest.mark.parametrize("name", ["issuer", "jwks_uri", "audience"])
    def test_what_trust_rests_on_cannot_be_changed(self, operator, idp, name):
        with nothing_changes():
            answer = put(operator, f"/admin/idps/{idp['id']}", {name: "https://x.example"})
        refused(answer, 400, "invalid_request", f"{name} cannot be changed")

    @pytest.mark.parametrize("key", [NOBODY, "7", "x" * 300, "a\x00b"])
    def test_an_unknown_id_is_not_found(self, operator, key):
        for answer in (
            operator.get(f"/admin/idps/{key}"),
            put(operator, f"/admin/idps/{key}", {"name": "x"}),
            operator.delete(f"/admin/idps/{key}"),
            operator.post(f"/admin/idps/{key}/refresh-keys"),
        ):
            refused(answer, 404, "not_found")

    def test_nobody_without_the_key_comes_in(self, operator):
        for path in ("/admin/idps", "/admin/xaa/policies", "/admin/xaa/subject-mappings"):
            refused(operator.get(path, key=None), 401, "unauthorized")
            refused(operator.post(path, {}, key="wrong"), 401, "unauthorized")

    def test_a_missing_jwks_uri_is_discovered(self, operator, world):
        place = "/.well-known/openid-configuration"
        world.publish(place, {"issuer": ISSUER, "jwks_uri": JWKS})

        made = operator.post("/admin/idps", {"name": "Okta", "issuer": ISSUER})

        assert (made.status_code, made.json()["jwks_uri"]) == (201, JWKS)

    @pytest.mark.parametrize(
        "document",
        [
            {"issuer": "https://evil.example", "jwks_uri": JWKS},
            {"issuer": f"{ISSUER}/", "jwks_uri": JWKS},
            {"issuer": ISSUER}, {"issuer": ISSUER, "jwks_uri": 7}, [], "x",
            {"issuer": ISSUER, "jwks_uri": "http://idp.example.com/jwks"},
        ],
    )  # fmt: skip
    def test_a_discovery_document_of_another_issuer_is_refused(self, operator, world, document):
        world.publish("/.well-known/openid-configuration", document)
        with nothing_changes():
            answer = operator.post("/admin/idps", {"name": "Okta", "issuer": ISSUER})
        refused(answer, 400, "invalid_request", "jwks_uri")

    def test_an_issuer_that_is_away_means_later(self, operator, world):
        world.publish("/.well-known/openid-configuration", {}, status=503)

        answer = operator.post("/admin/idps", {"name": "Okta", "issuer": ISSUER})

        refused(answer, 503, "temporarily_unavailable")
        assert answer["Retry-After"] == "30"
        assert not TrustedIdP.objects.exists()

    def test_an_issuer_inside_the_network_is_not_asked(self, operator, world):
        world.addresses["idp.example.com"] = ["169.254.169.254"]

        answer = operator.post("/admin/idps", {"name": "Okta", "issuer": ISSUER})

        refused(answer, 400, "invalid_request")
        assert world.connected == []

    @pytest.mark.shows("audit event", "idp.keys_refreshed")
    def test_keys_are_fetched_on_demand(self, operator, scene, world):
        ema = enterprise(scene, world)
        ema.token()
        old = ema.idp.key
        ema.idp.rotate("second")

        answer = operator.post(f"/admin/idps/{ema.row.pk}/refresh-keys")

        assert (answer.status_code, answer.json()) == (200, {"status": "refreshed"})
        assert recorded("idp.keys_refreshed")[0]["keys"] == 1
        assert ema.redeem(ema.assertion(key=old)).status_code == 400
        assert ema.redeem().status_code == 200
        ema.idp.publish(status=500)
        away = operator.post(f"/admin/idps/{ema.row.pk}/refresh-keys")
        refused(away, 503, "temporarily_unavailable")

    def test_a_deleted_provider_takes_everything_along(self, operator, scene, world):
        ema = enterprise(scene, world)
        ema.link("ann", scene.user)
        assertion = ema.assertion()

        assert operator.delete(f"/admin/idps/{ema.row.pk}").status_code == 204

        assert not XAAPolicy.objects.exists()
        assert not SubjectMapping.objects.exists()
        assert ema.redeem(assertion).json()["error"] == "invalid_grant"


class TestPolicies:
    @pytest.mark.shows(
        "audit event", "xaa_policy.created", "xaa_policy.updated", "xaa_policy.deleted"
    )
    def test_the_whole_life_of_one(self, operator, idp):
        body = {"name": "Chat", "idp_id": idp["id"], "client_ids": ["a", "b", "a"],
                "scopes": ["read"], "resources": ["https://mcp.example/"]}  # fmt: skip
        made = operator.post("/admin/xaa/policies", body).json()
        path = f"/admin/xaa/policies/{made['id']}"
        assert made == made | body | {"client_ids": ["a", "b"], "enabled": True}
        assert operator.get(path).json() == made
        changed = put(operator, path, {"scopes": [], "enabled": False}).json()
        assert changed["scopes"] == []
        assert changed["client_ids"] == ["a", "b"]
        assert put(operator, path, {"scopes": None}).json()["scopes"] is None
        assert operator.delete(path).status_code == 204
        assert operator.get(path).status_code == 404
        fields = [told["fields"] for told in recorded("xaa_policy.updated")]
        assert fields == ["scopes,enabled", "scopes"]

    def test_null_is_no_limit_and_an_empty_list_allows_nothing(self, operator, idp):
        for given, stored in (({}, None), ({"scopes": None}, None), ({"scopes": []}, [])):
            body = {"name": "P", "idp_id": idp["id"]} | given
            made = operator.post("/admin/xaa/policies", body).json()
            assert made["scopes"] == stored
            assert (made["client_ids"], made["resources"]) == ([], [])

    def test_a_change_is_in_force_at_once(self, operator, scene, world):
        ema = enterprise(scene, world)
        policy = XAAPolicy.objects.get()
        path = f"/admin/xaa/policies/{policy.pk}"
        put(operator, path, {"scopes": []})
        assert ema.redeem().status_code == 403
        put(operator, path, {"scopes": ["read"]})
        assert ema.redeem().status_code == 200

    def test_every_problem_of_a_body_is_told(self, operator, idp):
        body = {"idp_id": "7", "client_ids": "a", "scopes": ['a"b'], "resources": [7], "x": 1}
        with nothing_changes():
            answer = operator.post("/admin/xaa/policies", body)
        refused(answer, 400, "invalid_request", "name is required", "idp_id must be an id",
                "client_ids must be", "scopes must be", "resources must be",
                "x is not")  # fmt: skip
        refused(operator.post("/admin/xaa/policies", {}), 400, "invalid_request", "idp_id")

    def test_an_unknown_provider_is_not_found(self, operator):
        with nothing_changes():
            answer = operator.post("/admin/xaa/policies", {"name": "P", "idp_id": NOBODY})
        refused(answer, 404, "not_found", "trusted identity provider not found")

    def test_unknown_policies_are_not_found_and_the_provider_stays(self, operator, idp):
        for key in (NOBODY, "7"):
            path = f"/admin/xaa/policies/{key}"
            for answer in (operator.get(path), put(operator, path, {}), operator.delete(path)):
                refused(answer, 404, "not_found", "XAA policy not found")
        made = operator.post("/admin/xaa/policies", {"name": "P", "idp_id": idp["id"]}).json()
        changed = put(operator, f"/admin/xaa/policies/{made['id']}", {"idp_id": NOBODY})
        refused(changed, 400, "invalid_request", "idp_id cannot be changed")

    def test_lists_are_filtered_by_provider(self, operator, idp):
        operator.post("/admin/xaa/policies", {"name": "P", "idp_id": idp["id"]})

        assert operator.get(f"/admin/xaa/policies?idp_id={idp['id']}").json()["total"] == 1
        assert operator.get(f"/admin/xaa/policies?idp_id={NOBODY}").json()["policies"] == []
        refused(operator.get("/admin/xaa/policies?idp_id=7"), 400, "invalid_request")


class TestMappings:
    @pytest.mark.shows("audit event", "subject_mapping.created", "subject_mapping.deleted")
    def test_the_whole_life_of_one(self, operator, idp):
        user = make_user()
        body = {"idp_id": idp["id"], "idp_subject": "ann", "local_user_id": str(user.pk)}
        made = operator.post("/admin/xaa/subject-mappings", body)
        assert made.status_code == 201
        assert made.json() == made.json() | body
        listed = operator.get(f"/admin/xaa/subject-mappings?idp_id={idp['id']}").json()
        assert listed["subject_mappings"] == [made.json()]
        path = f"/admin/xaa/subject-mappings/{made.json()['id']}"
        assert operator.delete(path).status_code == 204
        refused(operator.delete(path), 404, "not_found", "subject mapping not found")
        refused(operator.get(path), 405, "invalid_request")
        (told,) = recorded("subject_mapping.created")
        assert told == {"id": made.json()["id"], "idp_id": idp["id"], "user": str(user.pk)}

    def test_a_subject_can_be_known_without_an_account(self, operator, idp):
        body = {"idp_id": idp["id"], "idp_subject": "bob"}
        made = operator.post("/admin/xaa/subject-mappings", body).json()
        assert "local_user_id" not in made

    def test_a_subject_is_mapped_once(self, operator, idp):
        body = {"idp_id": idp["id"], "idp_subject": "ann"}
        operator.post("/admin/xaa/subject-mappings", body)
        with nothing_changes():
            answer = operator.post("/admin/xaa/subject-mappings", body)
        text = "subject mapping already exists for this IdP and subject"
        refused(answer, 409, "conflict", text)

    def test_every_problem_of_a_body_is_told(self, operator, idp):
        body = {"idp_id": 7, "idp_subject": "a\nb", "local_user_id": NOBODY, "x": 1}
        with nothing_changes():
            answer = operator.post("/admin/xaa/subject-mappings", body)
        refused(answer, 400, "invalid_request", "idp_id must be an id", "idp_subject must have",
                "local_user_id names no user", "x is not")  # fmt: skip
        body = {"idp_id": NOBODY, "idp_subject": "ann"}
        refused(operator.post("/admin/xaa/subject-mappings", body), 404, "not_found")


def run(*arguments):
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def run_json(*arguments):
    return json.loads(run(*arguments, "--json"))


def refusal(*arguments):
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return str(error.value)


class TestCommands:
    def test_the_whole_life_of_an_enterprise(self, world):
        provider = IdentityProvider(world, issuer=ISSUER)
        provider.publish()
        user = make_user()
        made = run_json("idp", "create", "--name", "Okta", "--issuer", ISSUER,
                        "--jwks-uri", provider.jwks_uri)  # fmt: skip
        key = made["id"]
        assert run_json("idp", "get", "--id", key) == made
        assert run_json("idp", "update", "--id", key, "--disable")["enabled"] is False
        assert run_json("idp", "update", "--id", key, "--enable", "--name", "B")["name"] == "B"
        assert run_json("idp", "refresh-keys", "--id", key)["keys"] == 1
        assert run_json("idp", "list")["total"] == 1

        policy = run_json("xaa_policy", "create", "--idp", key, "--name", "P", "--client", "a",
                          "--scope", "read", "--scope", "write")  # fmt: skip
        assert (policy["client_ids"], policy["scopes"]) == (["a"], ["read", "write"])
        changed = run_json("xaa_policy", "update", "--id", policy["id"], "--any-scope",
                           "--any-client", "--disable")  # fmt: skip
        assert (changed["client_ids"], changed["scopes"], changed["enabled"]) == ([], None, False)
        none = run_json("xaa_policy", "update", "--id", policy["id"], "--no-scope")
        assert none["scopes"] == []
        assert run_json("xaa_policy", "get", "--id", policy["id"]) == none
        assert run_json("xaa_policy", "list", "--idp", key)["policies"] == [none]

        mapping = run_json("subject_mapping", "create", "--idp", key, "--subject", "ann",
                           "--user", user.email.upper())  # fmt: skip
        assert mapping["local_user_id"] == str(user.pk)
        assert run_json("subject_mapping", "list")["total"] == 1
        run("subject_mapping", "delete", "--id", mapping["id"])
        run("xaa_policy", "delete", "--id", policy["id"])
        run("idp", "delete", "--id", key)
        assert run("idp", "list") == "no idps found\n"
        assert run("xaa_policy", "list") == "no policies found\n"
        assert run("subject_mapping", "list") == "no subject mappings found\n"

    def test_what_is_wrong_is_said(self):
        assert "issuer must be" in refusal("idp", "create", "--name", "x", "--issuer", "y")
        assert "not found" in refusal("idp", "get", "--id", NOBODY)
        assert "--id is no id" in refusal("idp", "delete", "--id", "7")
        assert "say --name" in refusal("idp", "update", "--id", NOBODY)
        assert "say what" in refusal("xaa_policy", "update", "--id", NOBODY)
        assert "not found" in refusal("xaa_policy", "create", "--idp", NOBODY, "--name", "x")
        assert "not found" in refusal(
            "subject_mapping", "create", "--idp", NOBODY, "--subject", "x"
        )
        text = refusal("subject_mapping", "create", "--idp", NOBODY, "--subject", "x",
                       "--user", "nobody@example.com")  # fmt: skip
        assert "local_user names no user" in text


class TestSeeds:
    @pytest.mark.shows("setting", "idps", "xaa_policies", "subject_mappings")
    def test_an_enterprise_is_planted_once(self, override_config):
        user = make_user()
        override_config(
            seeds={
                "idps": ({"name": "Okta", "issuer": ISSUER, "jwks_uri": JWKS},),
                "xaa_policies": ({"name": "All", "idp": ISSUER, "scopes": ["read"]},),
                "subject_mappings": (
                    {"idp": ISSUER, "idp_subject": "ann", "local_user": user.email},
                    {"idp": ISSUER, "idp_subject": "bob"},
                ),
            }
        )

        assert run_json("load_seeds")["created"] == [ISSUER, "All", "ann", "bob"]
        assert run_json("load_seeds") == {"created": [], "skipped": [ISSUER, "All", "ann", "bob"]}
        assert XAAPolicy.objects.get().scopes == ["read"]
        assert SubjectMapping.objects.get(idp_subject="ann").local_user_id == user.pk

    @pytest.mark.parametrize(
        "seeds",
        [
            {"idps": ({"name": "Okta", "issuer": "idp"},)},
            {"xaa_policies": ({"name": "All", "idp": ISSUER},)},
            {"subject_mappings": ({"idp": ISSUER, "idp_subject": "ann"},)},
        ],
    )
    def test_a_bad_seed_stops_them_all(self, override_config, seeds):
        override_config(seeds=seeds)
        with nothing_changes():
            assert " 1 (" in refusal("load_seeds")

    def test_a_yaml_file_is_read_too(self, tmp_path):
        file = tmp_path / "seeds.yaml"
        file.write_text(f"idps:\n- name: Okta\n  issuer: {ISSUER}\n  jwks_uri: {JWKS}\n")

        assert run_json("load_seeds", str(file))["created"] == [ISSUER]


def test_key_sets_with_private_keys_are_no_key_sets():
    from oauth.federation.keys import KeysRejected, accepted

    key = signing_key()
    assert len(accepted(key_set(key))) == 1
    for bad in ({"keys": [key]}, {"keys": [{"kty": "oct", "k": "eA"}]}, {"keys": []}, [], None):
        with pytest.raises(KeysRejected):
            accepted(bad)
