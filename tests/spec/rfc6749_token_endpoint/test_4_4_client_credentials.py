"""RFC 6749 section 4.4: a confidential client asks for itself."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.factories import make_resource
from tests.support.record import reasons, recorded
from tests.support.refusals import (
    GRANT_TYPE_DISABLED,
    GRANT_TYPE_NOT_ALLOWED,
    INVALID_CLIENT,
    INVALID_SCOPE,
    INVALID_TARGET,
    NO_CEILING,
    SEVERAL_TARGETS,
    assert_refused,
)


@pytest.mark.shows("audit event", "client_credentials.issued")
def test_a_machine_gets_a_token_for_itself(scene):
    answer = scene.machine.client_credentials()

    assert answer.status_code == 200
    claims = scene.machine.claims(answer.json()["access_token"], audience=scene.resource.uri)
    assert claims["sub"] == claims["client_id"] == scene.machine.client_id
    (issued,) = recorded("client_credentials.issued")
    assert issued == {"jti": claims["jti"], "scopes": "read write"}


@pytest.mark.spec("RFC 6749", "4.4.3", "SHOULD", "client credentials yield no refresh token")
def test_there_is_no_refresh_token(scene):
    answer = scene.machine.client_credentials()

    assert "refresh_token" not in answer.json()
    with nothing_changes():
        assert scene.machine.refresh(answer.json()["access_token"]).status_code == 400


@pytest.mark.spec("RFC 6749", "4.4", "MUST", "client credentials are for confidential clients only")
def test_a_public_client_is_refused(scene):
    client = scene.another_client(grant_types=["client_credentials"], scope="read")

    with nothing_changes():
        assert_refused(client.client_credentials(), INVALID_CLIENT)
    assert reasons("client_credentials.denied") == ["client_public"]


@pytest.mark.shows("audit event", "client_credentials.denied")
def test_a_client_without_the_grant_is_refused(scene):
    client = scene.another_machine(grant_types=["authorization_code"], scope="read")

    with nothing_changes():
        assert_refused(client.client_credentials(), GRANT_TYPE_NOT_ALLOWED)
    assert reasons("client_credentials.denied") == ["grant_type_not_allowed"]


@pytest.mark.shows("setting", "client_credentials.enabled")
def test_the_grant_can_be_switched_off(scene, override_config):
    override_config(features={"client_credentials": False})

    with nothing_changes():
        assert_refused(scene.machine.client_credentials(), GRANT_TYPE_DISABLED)


def test_a_token_lives_an_hour(frozen_clock, scene):
    answer = scene.machine.client_credentials()

    assert answer.json()["expires_in"] == 3600
    frozen_clock.shift(3600 + 29)
    assert scene.is_active(answer.json()["access_token"])
    frozen_clock.shift(1)
    assert not scene.is_active(answer.json()["access_token"])


@pytest.mark.shows("setting", "client_credentials.token_expiry")
def test_the_lifetime_can_be_set(scene, override_config):
    override_config(tokens={"machine_ttl": 120})

    answer = scene.machine.client_credentials().json()

    assert answer["expires_in"] == 120
    claims = scene.machine.claims(answer["access_token"])
    assert claims["exp"] - claims["iat"] == 120


# --- Scope ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        ("read", "read"),
        ("write read", "write read"),
        ("read read", "read"),
        ("read offline_access", "read"),
        ("offline_access", "read write"),
        (None, "read write"),
    ],
)
def test_what_is_asked_for_is_given(scene, requested, granted):
    answer = scene.machine.client_credentials(scope=requested)

    assert answer.status_code == 200
    assert answer.json()["scope"] == granted


@pytest.mark.parametrize(
    "requested",
    ["unknown", "read admin", 'read "write"', "read\\", "read\twrite", " read", "read  write", " "],
)
def test_another_or_malformed_scope_is_refused(scene, requested):
    with nothing_changes():
        assert_refused(scene.machine.client_credentials(scope=requested), INVALID_SCOPE)


def test_a_scope_beyond_the_ceiling_is_refused(scene):
    client = scene.another_machine(scope="read")
    assert client.client_credentials(scope="read").status_code == 200

    with nothing_changes():
        assert_refused(client.client_credentials(scope="write"), INVALID_SCOPE)
    assert reasons("client_credentials.denied") == ["scope_beyond_ceiling"]


def test_a_scope_the_resource_does_not_have_is_refused(scene):
    client = scene.another_machine(scope="read other")

    with nothing_changes():
        assert_refused(client.client_credentials(scope="other"), INVALID_SCOPE)
    assert reasons("client_credentials.denied") == ["scope_unknown"]


@pytest.mark.parametrize("requested", ["read", None])
def test_a_client_that_nobody_gave_scopes_gets_none_at_a_resource(scene, requested):
    client = scene.another_machine()

    with nothing_changes():
        assert_refused(client.client_credentials(scope=requested), NO_CEILING)
    assert reasons("client_credentials.denied") == ["scope_no_ceiling"]


def test_an_omitted_scope_is_what_ceiling_and_resource_share(scene):
    client = scene.another_machine(scope="other write")

    assert client.client_credentials().json()["scope"] == "write"


def test_ceiling_and_resource_that_share_nothing_are_refused(scene):
    client = scene.another_machine(scope="other")

    with nothing_changes():
        assert_refused(client.client_credentials(), INVALID_SCOPE)
    assert reasons("client_credentials.denied") == ["scope_empty"]


def test_without_a_resource_the_whole_ceiling_is_given_at_the_issuer(scene):
    client = scene.another_machine(scope="read other")

    answer = client.client_credentials(resource=None).json()

    assert set(answer["scope"].split()) == {"read", "other"}
    assert client.claims(answer["access_token"])["aud"] == [client.issuer]


def test_without_resource_and_ceiling_the_token_has_no_scope(scene):
    client = scene.another_machine()

    answer = client.client_credentials(resource=None)

    assert answer.status_code == 200
    assert "scope" not in answer.json()
    assert "scope" not in client.claims(answer.json()["access_token"])
    with nothing_changes():
        assert_refused(client.client_credentials(resource=None, scope="read"), NO_CEILING)


# --- Resource ------------------------------------------------------------------------------------


def test_a_resource_is_known_by_slug_or_uri(scene):
    for name in (scene.resource.slug, scene.resource.uri, scene.resource.uri + "/"):
        token = scene.machine_token(resource=name)
        assert scene.machine.claims(token)["aud"] == [scene.resource.uri]


@pytest.mark.parametrize(
    "resource",
    ["https://unknown.example.com", "unknown", "x" * 5000, "\N{SNOWMAN}", "https://[", "//"],
)
def test_an_unknown_resource_is_refused(scene, resource):
    with nothing_changes():
        assert_refused(scene.machine.client_credentials(resource=resource), INVALID_TARGET)


def test_two_resources_at_once_are_refused(scene):
    both = [scene.resource.uri, make_resource().uri]

    with nothing_changes():
        assert_refused(scene.machine.client_credentials(resource=both), SEVERAL_TARGETS)


def test_a_resource_may_be_named_twice_and_as_audience(scene):
    twice = [scene.resource.uri, scene.resource.slug]
    for form in ({"resource": twice}, {"resource": None, "audience": scene.resource.uri}):
        assert scene.machine.client_credentials(**form).status_code == 200

    with nothing_changes():
        assert_refused(
            scene.machine.client_credentials(audience="https://unknown.example.com"),
            INVALID_TARGET,
        )
