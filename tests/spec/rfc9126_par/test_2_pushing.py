"""POST /oauth/par: who may push, what is checked, what comes back."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from oauth.models import PushedRequest
from tests.support.digests import nothing_changes
from tests.support.factories import driver_for, make_client
from tests.support.published import key_set, signing_key
from tests.support.pushed import PREFIX, push, pushed
from tests.support.refusals import (
    INVALID_CLIENT,
    INVALID_SCOPE,
    INVALID_TARGET,
    METHODS_MIXED,
    PARAMETER_REPEATED,
    TOO_LARGE,
    USE_POST,
    Refusal,
    assert_refused,
)
from tests.support.scene import change_client

pytestmark = pytest.mark.django_db

KEY = signing_key()
BAD_REDIRECT = Refusal(400, "invalid_request", "redirect_uri is missing or not registered")
MALFORMED = Refusal(400, "invalid_request", "a parameter is malformed")


@pytest.mark.spec("RFC 9126", "2.2", "MUST", "the request_uri cannot be guessed")
def test_a_push_is_answered_with_a_reference(scene):
    answer, _, _ = push(scene.client)

    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"request_uri", "expires_in"}
    assert body["expires_in"] == 60
    assert re.fullmatch(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", body["request_uri"])
    assert answer.headers["cache-control"] == "no-store"


def test_the_reference_is_stored_as_a_hash_only(scene):
    reference = pushed(scene.client)

    row = PushedRequest.objects.get()
    assert reference.removeprefix(PREFIX) not in f"{row.reference}{row.parameters}"


def test_credentials_are_not_stored(scene):
    pushed(scene.machine)
    client = make_client(token_endpoint_auth_method="private_key_jwt", client_jwks=key_set(KEY))
    keyed = driver_for(client, base=scene.client, resource=scene.resource.uri, private_jwk=KEY)
    pushed(keyed)

    for row in PushedRequest.objects.all():
        assert not [
            name for name in row.parameters if name.startswith("client_") != (name == "client_id")
        ]


@pytest.mark.spec("RFC 9126", "2.1", "MUST", "a client authenticates as at the token endpoint")
def test_who_does_not_authenticate_is_refused(scene):
    _, sent, _ = scene.machine.authorization_request()
    wrong = {"client_id": scene.machine.client_id, "client_secret": "wrong"}

    for form in (sent, sent | wrong, sent | {"client_id": "unknown"}):
        with nothing_changes():
            assert_refused(scene.post("/oauth/par", form), INVALID_CLIENT)
    with nothing_changes():
        answer, _, _ = push(scene.machine, client_secret="twice")
        assert_refused(answer, METHODS_MIXED)


def test_a_suspended_client_pushes_nothing(scene):
    change_client(scene.client, status="suspended")

    with nothing_changes():
        assert_refused(push(scene.client)[0], INVALID_CLIENT)


@pytest.mark.spec("RFC 9126", "2.1", "MUST", "request_uri is not pushed")
def test_a_reference_is_not_pushed(scene):
    refusal = Refusal(400, "invalid_request", "request_uri cannot be pushed")
    reference = pushed(scene.client)

    for value in (reference, "https://client.example/request.jwt"):
        with nothing_changes():
            assert_refused(push(scene.client, request_uri=value)[0], refusal)


@pytest.mark.spec(
    "RFC 9126", "2.1", "MUST", "a pushed request is validated as at the authorization endpoint"
)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"redirect_uri": None}, BAD_REDIRECT),
        ({"redirect_uri": "https://elsewhere.example/"}, BAD_REDIRECT),
        ({"response_type": None}, Refusal(400, "invalid_request", "response_type is missing")),
        (
            {"response_type": "token"},
            Refusal(400, "unsupported_response_type", "response_type must be code"),
        ),
        (
            {"code_challenge": None},
            Refusal(400, "invalid_request", "code_challenge is missing or malformed"),
        ),
        (
            {"code_challenge_method": "plain"},
            Refusal(400, "invalid_request", "code_challenge_method must be S256"),
        ),
        ({"scope": "unknown"}, INVALID_SCOPE),
        ({"resource": "https://elsewhere.example/mcp"}, INVALID_TARGET),
        ({"prompt": "none login"}, MALFORMED),
        ({"max_age": "soon"}, MALFORMED),
        ({"dpop_jkt": "short"}, MALFORMED),
        ({"state": "a\x07b"}, MALFORMED),
    ],
)
def test_what_authorize_would_refuse_is_refused(scene, change, expected):
    with nothing_changes():
        assert_refused(push(scene.client, **change)[0], expected)


def test_a_repeated_parameter_is_refused(scene):
    _, sent, _ = scene.client.authorization_request()
    body = f"{urlencode(sent)}&state=again"

    with nothing_changes():
        answer = scene.client.http.post(
            "/oauth/par",
            content=body,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        assert_refused(answer, PARAMETER_REPEATED)


@pytest.mark.spec("RFC 9126", "2.3", "MAY", "a request that is too large is 413")
@pytest.mark.parametrize("size", [17_000, 70_000])
def test_a_large_request_is_refused(scene, size):
    with nothing_changes():
        answer, _, _ = push(scene.client, state="s" * size)
        assert_refused(answer, TOO_LARGE)


def test_only_post(scene):
    answer = scene.client.http.get("/oauth/par", headers={"Accept": "application/json"})

    assert_refused(answer, USE_POST)


def test_pages_of_other_origins_may_push(scene):
    answer = scene.client.http.options(
        "/oauth/par",
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"},
    )

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.spec("RFC 9126", "5", "MUST", "the endpoint is published")
def test_the_endpoint_is_published(scene):
    document = scene.client.metadata()

    assert document["pushed_authorization_request_endpoint"].endswith("/oauth/par")
    assert "require_pushed_authorization_requests" not in document


@pytest.mark.spec("RFC 9126", "2", "MUST", "issuer, token endpoint and push endpoint are audiences")
@pytest.mark.parametrize("path", ["", "/oauth/token", "/oauth/par"])
def test_the_audience_of_an_assertion(scene, path):
    row = make_client(token_endpoint_auth_method="private_key_jwt", client_jwks=key_set(KEY))
    client = driver_for(row, base=scene.client, resource=scene.resource.uri, private_jwk=KEY)
    assertion = client.client_assertion(aud=f"{client.issuer}{path}")

    def send(**form):
        _, sent, _ = client.authorization_request()
        credentials, _ = client.client_authentication()
        credentials["client_assertion"] = assertion
        return scene.post("/oauth/par", sent | credentials | form)

    assert send().status_code == 201
    with nothing_changes():
        assert_refused(send(), INVALID_CLIENT)


@pytest.mark.shows("setting", "oauth.strict_assertion_audience")
def test_only_the_issuer_when_audiences_are_strict(scene, override_config):
    override_config(oauth={"strict_assertion_audience": True})
    row = make_client(token_endpoint_auth_method="private_key_jwt", client_jwks=key_set(KEY))
    client = driver_for(row, base=scene.client, resource=scene.resource.uri, private_jwk=KEY)

    def send(audience):
        _, sent, _ = client.authorization_request()
        credentials, _ = client.client_authentication()
        credentials["client_assertion"] = client.client_assertion(aud=audience)
        return scene.post("/oauth/par", sent | credentials)

    for path in ("/oauth/token", "/oauth/par"):
        assert_refused(send(f"{client.issuer}{path}"), INVALID_CLIENT)
    assert send(client.issuer).status_code == 201
