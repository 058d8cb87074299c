"""The document of the public listener says what its routes do, and leaves none of them out."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from django.urls import URLPattern
from jsonschema import Draft202012Validator

from authplane.core.openapi.document import VERSION
from authplane.urls import public
from broker.specification.public import LEFT_OUT, NOT_DESCRIBED, TAGS, public_document
from tests.support import specification

METHODS = {"get", "post", "put", "patch", "delete"}
ISSUER = "https://auth.example.com"


def operations():
    return [
        (path, method, operation)
        for path, methods in public_document(ISSUER)["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def routes(patterns=None, prefix="/"):
    """Every path of the listener, written as the document writes them."""
    for pattern in public.urlpatterns if patterns is None else patterns:
        place = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            shown = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", place)
            yield shown.rstrip("/") or "/"
        else:
            yield from routes(pattern.url_patterns, place)


def test_the_document_is_sound():
    document = public_document(ISSUER)

    assert VERSION == document["openapi"]
    assert ISSUER == document["servers"][1]["url"]
    assert not specification.dangling(document)
    assert not specification.unused(document)
    assert [] == specification.bad_schemas(document)
    ids = Counter(operation["operationId"] for _, _, operation in operations())
    assert not [name for name, times in ids.items() if times > 1]


def test_no_route_is_forgotten_and_none_is_invented():
    known, told = set(routes()), set(public_document(ISSUER)["paths"])

    assert set() == known - told - set(LEFT_OUT)
    assert set() == (told | set(LEFT_OUT)) - known
    assert not told & set(LEFT_OUT)
    assert set(LEFT_OUT.values()) <= set(NOT_DESCRIBED)


def test_every_operation_says_who_may_call_it():
    document = public_document(ISSUER)
    schemes, tags = document["components"]["securitySchemes"], {name for name, _ in TAGS}

    for path, _, operation in operations():
        assert operation["summary"], path
        assert {name for one in operation["security"] for name in one} <= set(schemes), path
        assert set(operation["tags"]) <= tags, path
        given = [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
        parts = {parameter["name"] for parameter in given if parameter["in"] == "path"}
        assert parts == set(re.findall(r"\{(\w+)\}", path))


def test_examples_are_what_they_are_examples_of():
    document = public_document(ISSUER)

    for path, _, operation in operations():
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [answer.get("content", {}) for answer in operation["responses"].values()]
        for content in (one for found in contents for one in found.values() if "example" in one):
            whole = {**content["schema"], "components": document["components"]}
            wrong = Draft202012Validator(whole).iter_errors(content["example"])
            assert [] == [error.message for error in wrong], path


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health", 200),
        ("/ready", 200),
        ("/livez", 200),
        ("/.well-known/oauth-authorization-server", 200),
        ("/.well-known/openid-configuration", 200),
        ("/.well-known/jwks.json", 200),
        ("/.well-known/oauth-protected-resource", 200),
        ("/.well-known/oauth-protected-resource/nothing", 404),
        ("/.well-known/oauth-authorization-server/elsewhere", 404),
        ("/elsewhere/.well-known/jwks.json", 404),
        ("/oauth/client-metadata.json", 200),
        ("/oauth/client-metadata/nobody.json", 404),
        ("/openapi.yaml", 200),
        ("/openapi.json", 200),
        ("/docs/api", 200),
        ("/oauth/authorize", 400),
        ("/userinfo", 401),
        ("/oauth/register/nobody", 401),
        ("/api/servers", 401),
        ("/api/connections", 401),
        ("/api/v1/oauth-proxy/77/jwks.json", 404),
        ("/api/v1/oauth-proxy/77/authorize", 404),
    ],
)
def test_documents_and_refusals_are_as_they_are_described(oauth, settings, path, status):
    settings.ROOT_URLCONF = "authplane.urls.public"

    # The driver holds every answer against the document.
    assert status == oauth.http.get(path).status_code
    assert specification.of_the_public().operation("GET", path) is not None
