"""The document of the operator API says what the routes do, and nothing else."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from django.test import Client
from django.urls import URLPattern
from jsonschema import Draft202012Validator

from admin_api.operations import described, routed
from admin_api.schemas import SCHEMAS, examples
from admin_api.schemas.bodies import BODIES
from admin_api.specification import operator_document
from authplane.core.openapi.document import VERSION
from authplane.urls import operator as operator_routes
from broker import operator_urls
from broker.connections import provisioning
from broker.keys import groups
from broker.keys import services as keys
from broker.providers import services as providers
from broker.proxies import body as proxies
from broker.servers import services as servers
from broker.signin import body as sign_in
from oauth.federation import body as workloads
from oauth.resources import body as resources
from oauth.xaa import audience_services, mappings, policies
from oauth.xaa import providers as idps
from tests.support import specification

CONSOLE = {"/admin/ui", "/admin/ui/"}
METHODS = {"get", "post", "put", "patch", "delete"}


def operations():
    return [
        (path, method, operation)
        for path, methods in operator_document()["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_the_document_is_sound():
    document = operator_document()

    assert VERSION == document["openapi"]
    assert not specification.dangling(document)
    assert not specification.unused(document)
    assert [] == specification.bad_schemas(document)
    ids = Counter(operation["operationId"] for _, _, operation in operations())
    assert not [name for name, times in ids.items() if times > 1]


def test_every_route_is_in_the_document():
    told = {(method.upper(), path) for path, method, _ in operations()}

    missing = []
    for method, path, view, action in routed():
        shown = path
        for converter in ("str:", "path:", "int:", "slug:", "uuid:"):
            shown = shown.replace(f"<{converter}", "{").replace(">", "}")
        if described(getattr(view, action)) is None or (method, shown) not in told:
            missing.append((method, path))
    assert [] == missing


def test_no_other_route_of_the_listener_is_forgotten():
    told = set(operator_document()["paths"])

    missing = []
    for pattern in [*operator_routes.urlpatterns, *operator_urls.urlpatterns]:
        place = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{pattern.pattern}")
        if isinstance(pattern, URLPattern) and place not in told | CONSOLE:
            missing.append(place)
    assert [] == missing


def test_every_answer_has_a_schema():
    named = {found.answers for _, _, view, action in routed()
             if (found := described(getattr(view, action))) is not None}  # fmt: skip

    assert set() == named - {""} - set(SCHEMAS)


def test_every_operation_says_who_may_call_it_and_what_is_refused():
    for path, method, operation in operations():
        assert operation["summary"], path
        if path.startswith("/admin/"):
            assert [{"operatorKey": []}] == operation["security"], path
            assert {"401", "403", "429"} <= set(operation["responses"]), (method, path)
        else:
            assert "security" in operation


@pytest.mark.parametrize(
    ("viewset", "action", "members"),
    [
        ("Resources", "create", resources.MEMBERS),
        ("BrokerProviders", "create", providers.MEMBERS),
        ("IdentityProviders", "create", sign_in.MEMBERS),
        ("OAuthProxies", "create", proxies.MEMBERS),
        ("Connections", "create", provisioning.MEMBERS),
        ("McpServers", "create", ("user", *servers.MEMBERS)),
        ("IdPs", "create", idps.MEMBERS),
        ("XAAPolicies", "create", policies.MEMBERS),
        ("XAAPolicies", "change", policies.CHANGEABLE),
        ("SubjectMappings", "create", mappings.MEMBERS),
        ("WorkloadIssuers", "create", workloads.MEMBERS),
        ("WorkloadIssuers", "change", workloads.CHANGEABLE),
        ("AssertionAudiences", "create", audience_services.MEMBERS),
        ("AssertionAudiences", "change", audience_services.CHANGEABLE),
        ("AccessGroups", "create", groups.MEMBERS),
        ("ApiKeys", "create", keys.NEW),
        ("ApiKeys", "change", keys.CHANGEABLE),
    ],
)
def test_bodies_have_the_members_that_services_read(viewset, action, members):
    _, schema = BODIES[viewset, action]

    assert set(members) == set(schema["properties"])


def test_bodies_of_clients_have_the_members_that_their_routes_read():
    from admin_api.viewsets.clients import ON_CHANGE, ON_CREATION

    assert set(ON_CREATION) == set(BODIES["Clients", "create"][1]["properties"])
    assert set(ON_CHANGE) == set(BODIES["Clients", "change"][1]["properties"])


@pytest.mark.parametrize("name", [*examples.ANSWERS, *examples.BODIES])
def test_examples_are_what_they_are_examples_of(name):
    schemas = operator_document()["components"]
    whole = {**schemas["schemas"][name], "components": schemas}
    example = examples.ANSWERS.get(name) or examples.BODIES[name]

    assert [] == [error.message for error in Draft202012Validator(whole).iter_errors(example)]


def test_it_is_served_as_yaml_and_json_and_kept_by_caches(db):
    client = Client()

    for path, kind in (
        ("/openapi.yaml", "application/yaml"),
        ("/openapi.json", "application/json"),
    ):
        answer = client.get(path)
        assert (200, kind) == (answer.status_code, answer.headers["Content-Type"])
        assert "public, max-age=300" == answer.headers["Cache-Control"]
        again = client.get(path, headers={"if-none-match": answer.headers["ETag"]})
        assert (304, b"") == (again.status_code, again.content)
        assert 405 == client.post(path).status_code


def test_no_other_origin_reads_anything_of_the_operator_listener(db, settings):
    settings.OPERATOR = True

    answer = Client().get("/openapi.yaml", headers={"origin": "https://elsewhere.example"})

    assert 200 == answer.status_code
    assert "Access-Control-Allow-Origin" not in answer.headers
