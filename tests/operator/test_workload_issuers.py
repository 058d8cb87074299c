"""`/admin/workload-issuers`: who vouches for workloads, and which clients those are."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from oauth.models import WorkloadIssuer
from tests.support.digests import nothing_changes
from tests.support.factories import make_client
from tests.support.platforms import JWT_BEARER, Platform
from tests.support.published import internet, key_set, signing_key

PATH = "/admin/workload-issuers"
UNKNOWN = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def client_id(db):
    return make_client(grant_types=[JWT_BEARER], scope="read").client_id


@pytest.fixture
def good(client_id):
    return {
        "name": "Cluster",
        "preset": "kubernetes",
        "issuer": "https://cluster.example.com",
        "jwks": key_set(signing_key()),
        "rules": [{"subject": "system:serviceaccount:team-a:*", "client_id": client_id}],
    }


def recorded(prefix="workload_issuer."):
    rows = AuditEvent.objects.filter(action__startswith=prefix).order_by("id")
    return list(rows.values_list("action", "actor_id", "detail"))


@pytest.mark.shows("audit event", "workload_issuer.created")
def test_an_issuer_is_registered_as_told(operator, good):
    answer = operator.post(PATH, good)

    assert answer.status_code == 201, answer.content
    body, row = answer.json(), WorkloadIssuer.objects.get()
    assert body == {
        **good,
        "id": str(row.pk),
        "jwks_uri": "",
        "audience": "",
        "enabled": True,
        "created_at": body["created_at"],
        "updated_at": body["updated_at"],
    }
    assert operator.get(f"{PATH}/{row.pk}").json() == body
    listed = operator.get(PATH).json()
    assert listed == {"workload_issuers": [body], "total": 1, "next_cursor": None}
    detail = {"id": str(row.pk), "issuer": good["issuer"]}
    assert recorded() == [("workload_issuer.created", "admin", detail)]


def test_it_works_at_once(operator, scene):
    from tests.support.factories import driver_for
    from tests.support.platforms import Workload

    row = make_client(grant_types=[JWT_BEARER], scope="read")
    platform = Platform("kubernetes")
    workload = Workload(platform, driver_for(row, base=scene.client, resource=scene.resource.uri))
    assert workload.ask().status_code == 400

    made = operator.post(
        PATH,
        {
            "name": "Cluster",
            "preset": "kubernetes",
            "issuer": platform.issuer,
            "jwks": key_set(platform.key),
            "rules": [{"subject": platform.subject, "client_id": row.client_id}],
        },
    ).json()
    assert workload.ask().status_code == 200

    operator.call("PATCH", f"{PATH}/{made['id']}", {"enabled": False})
    assert workload.ask().status_code == 400
    operator.call("PUT", f"{PATH}/{made['id']}", {"enabled": True})
    assert workload.ask().status_code == 200
    assert operator.delete(f"{PATH}/{made['id']}").status_code == 204
    assert workload.ask().status_code == 400


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": None}, "name is required"),
        ({"name": "a\u0000b"}, "name"),
        ({"issuer": None}, "issuer is required"),
        ({"issuer": 7}, "issuer"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": "http://localhost:9000"}, "is this server"),
        ({"preset": "azure"}, "preset must be one of"),
        ({"jwks": {"keys": []}}, "jwks must hold"),
        ({"jwks": {"keys": [signing_key()]}}, "public keys only"),
        ({"jwks": "x"}, "jwks must be a JSON Web Key Set"),
        ({"jwks_uri": "https://keys.example.com"}, "exclude each other"),
        ({"jwks": None, "issuer": "kubernetes/serviceaccount"}, "jwks_uri or jwks"),
        ({"jwks": None, "jwks_uri": "ftp://keys.example.com"}, "jwks_uri"),
        ({"audience": "a b"}, "audience"),
        ({"enabled": "yes"}, "enabled must be true or false"),
        ({"rules": "x"}, "rules must be a list"),
        ({"rules": ["x"]}, "rules[0] must be an object"),
        ({"others": 1}, "others is not a known member"),
    ],
)
def test_every_problem_is_told_and_nothing_is_stored(operator, good, change, problem):
    with nothing_changes():
        answer = operator.post(PATH, {**good, **change})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert problem in answer.json()["detail"]
    assert recorded() == []


@pytest.mark.parametrize(
    ("preset", "rule", "problem"),
    [
        ("generic", {"subject": ""}, "subject"),
        ("generic", {"subject": "a b"}, "subject"),
        ("generic", {"subject": "a***"}, "asterisks"),
        ("generic", {"subject": "x" * 513}, "subject"),
        ("generic", {"subject": "**"}, "too wide"),
        ("generic", {"client_id": "nobody"}, "not registered"),
        ("generic", {"client_id": None}, "client_id"),
        ("generic", {"claims": []}, None),
        ("generic", {"claims": [1]}, "claims"),
        ("generic", {"claims": {"a": None}}, "values of claims"),
        ("generic", {"claims": {"a": 1.5}}, "values of claims"),
        ("generic", {"claims": {"a": []}}, "at least one value"),
        ("generic", {"claims": {"": "x"}}, "name each claim"),
        ("generic", {"single_use": "yes"}, "single_use"),
        ("generic", {"regex": ".*"}, "unknown member regex"),
        ("generic", {"subject": "**", "claims": {"team": "a"}}, None),
        ("kubernetes", {"subject": "system:serviceaccount:*:deployer"}, "too wide"),
        ("kubernetes", {"subject": "**"}, "too wide"),
        ("kubernetes", {"subject": "system:serviceaccount:team-a:**"}, None),
        (
            "kubernetes",
            {"subject": "system:serviceaccount:**", "claims": {"kubernetes.io/namespace": "a"}},
            None,
        ),
        ("github_actions", {"subject": "repo:*/widgets:*"}, "too wide"),
        ("github_actions", {"subject": "repo:octo*/widgets:*"}, "too wide"),
        ("github_actions", {"subject": "**", "claims": {"environment": "prod"}}, "too wide"),
        ("github_actions", {"subject": "**", "claims": {"repository_owner_id": "7"}}, None),
        ("github_actions", {"subject": "repo:octo/*:ref:refs/heads/main"}, None),
        ("spiffe", {"subject": "spiffe://*/ns/a"}, "too wide"),
        ("spiffe", {"subject": "spiffe://example.org/**"}, None),
        ("spiffe", {"subject": "**", "claims": {"a": "b"}}, "too wide"),
    ],
)
def test_a_rule_is_about_somebody_in_particular(operator, good, preset, rule, problem):
    whole = {"subject": "job-7", "client_id": good["rules"][0]["client_id"]} | rule
    whole = {name: value for name, value in whole.items() if value is not None}

    answer = operator.post(PATH, {**good, "preset": preset, "rules": [whole]})

    if problem is None:
        assert answer.status_code == 201, answer.content
    else:
        assert answer.status_code == 400
        assert problem in answer.json()["detail"]


def test_an_issuer_is_registered_once(operator, good):
    operator.post(PATH, good)

    with nothing_changes():
        answer = operator.post(PATH, good)
    assert (409, "conflict") == (answer.status_code, answer.json()["error"])


@pytest.mark.shows("audit event", "workload_issuer.patched", "workload_issuer.deleted")
def test_it_is_changed_and_removed(operator, good):
    made = operator.post(PATH, good).json()
    place = f"{PATH}/{made['id']}"

    changed = operator.call("PATCH", place, {"name": "Other", "rules": []})
    assert (200, "Other", []) == (
        changed.status_code,
        changed.json()["name"],
        changed.json()["rules"],
    )
    assert operator.call("PATCH", place, {"name": "Other"}).status_code == 200
    for body in ({"issuer": "https://x.example.com"}, {"preset": "generic"}, {"id": "7"}):
        with nothing_changes():
            assert operator.call("PATCH", place, body).status_code == 400
    assert operator.delete(place).status_code == 204
    assert operator.delete(place).status_code == 404
    detail = {"id": made["id"], "issuer": good["issuer"]}
    assert recorded()[1:] == [
        ("workload_issuer.patched", "admin", detail | {"fields": "name,rules"}),
        ("workload_issuer.deleted", "admin", detail),
    ]


@pytest.mark.parametrize("key", [UNKNOWN, "7", "x" * 300])
def test_an_unknown_one_is_not_found(operator, key):
    place = f"{PATH}/{key}"
    answers = [
        operator.get(place),
        operator.call("PATCH", place, {}),
        operator.call("PUT", place, {}),
        operator.delete(place),
        operator.post(f"{place}/test", {"subject": "x"}),
        operator.post(f"{place}/refresh-keys"),
    ]

    assert {answer.status_code for answer in answers} == {404}


def test_a_subject_can_be_tried(operator, good, client_id):
    good["rules"] = [
        {"subject": "system:serviceaccount:team-a:x", "client_id": client_id},
        {
            "subject": "system:serviceaccount:team-a:*",
            "client_id": client_id,
            "claims": {"zone": "north"},
            "single_use": True,
        },
    ]
    place = f"{PATH}/{operator.post(PATH, good).json()['id']}/test"
    subject = "system:serviceaccount:team-a:deployer"

    with nothing_changes():
        known = operator.post(place, {"subject": subject, "claims": {"zone": "north"}}).json()
        assert known == {
            "matched": True,
            "rule": 1,
            "client_id": client_id,
            "single_use": True,
            "problems": [],
            "mismatches": ["subject", ""],
        }
        unknown = operator.post(place, {"subject": subject}).json()
        assert (unknown["matched"], unknown["rule"]) == (False, None)
        assert unknown["mismatches"] == ["subject", "zone"]
        assert unknown["problems"] == ["no rule knows this workload"]
        for body in ({}, {"subject": 7}, {"subject": "x", "claims": []}, {"sub": "x"}):
            assert operator.post(place, body).status_code == 400


@pytest.mark.shows("audit event", "workload_issuer.keys_refreshed")
def test_keys_are_found_by_discovery(operator, good, monkeypatch):
    del good["jwks"]
    issuer, jwks_uri = good["issuer"], "https://keys.example.com/jwks"
    with internet(monkeypatch) as world:
        world.publish("/.well-known/openid-configuration", {"issuer": issuer, "jwks_uri": jwks_uri})
        world.publish("/jwks", key_set(signing_key()))
        made = operator.post(PATH, good)

        assert made.status_code == 201, made.content
        assert made.json()["jwks_uri"] == jwks_uri
        renewed = operator.post(f"{PATH}/{made.json()['id']}/refresh-keys")
        assert renewed.json() == {"status": "refreshed", "keys": 1}
        world.publish("/jwks", {"keys": []})
        assert operator.post(f"{PATH}/{made.json()['id']}/refresh-keys").status_code == 400
    told = AuditEvent.objects.get(action="workload_issuer.keys_refreshed")
    assert told.actor_id == "admin"
    assert told.detail == {"id": made.json()["id"], "issuer": issuer, "keys": 1}


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://other.example.com", "jwks_uri": "https://keys.example.com"},
        {"issuer": "https://cluster.example.com"},
        {"issuer": "https://cluster.example.com", "jwks_uri": 7},
        {"issuer": "https://cluster.example.com", "jwks_uri": "http://keys.example.com"},
        [],
    ],
)
def test_a_document_that_is_not_the_issuers_is_refused(operator, good, monkeypatch, document):
    del good["jwks"]
    with internet(monkeypatch) as world, nothing_changes():
        world.publish("/.well-known/openid-configuration", document)

        answer = operator.post(PATH, good)

    assert answer.status_code == 400
    assert "jwks_uri" in answer.json()["detail"]


def test_the_usual_place_of_a_preset_needs_no_asking(operator, client_id):
    rules = [{"subject": "repo:octo/widgets:*", "client_id": client_id}]

    made = operator.post(PATH, {"name": "GitHub", "preset": "github_actions", "rules": rules})

    assert made.status_code == 201, made.content
    assert made.json()["issuer"] == "https://token.actions.githubusercontent.com"
    assert made.json()["jwks_uri"].startswith("https://token.actions.githubusercontent.com/")


def test_given_keys_can_be_replaced_by_their_place(operator, good):
    made = operator.post(PATH, good).json()
    uri = "https://keys.example.com/jwks"

    answer = operator.call("PATCH", f"{PATH}/{made['id']}", {"jwks": None, "jwks_uri": uri})

    assert (answer.json()["jwks"], answer.json()["jwks_uri"]) == (None, uri)
