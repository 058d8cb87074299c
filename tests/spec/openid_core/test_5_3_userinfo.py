"""RFC 6750 and OpenID Connect Core 1.0 section 5.3: the userinfo endpoint."""

from __future__ import annotations

import pytest

from tests.support import forged
from tests.support.digests import nothing_changes
from tests.support.refusals import (
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    USE_POST,
    assert_refused,
)

DPOP = 'DPoP algs="ES256 EdDSA PS256 RS256"'
PLAIN = f'Bearer realm="authserver", {DPOP}'
INVALID = f'Bearer realm="authserver", error="invalid_token", {DPOP}, error="invalid_token"'


@pytest.fixture
def token(scene):
    return scene.tokens(resource=None, scope="openid email")["access_token"]


def asked(scene, authorization=None, *, method="GET", **options):
    headers = {"Accept": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    return scene.client.http.request(method, "/oauth/userinfo", headers=headers, **options)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_user_is_named(scene, token, method):
    with nothing_changes():
        answer = asked(scene, f"Bearer {token}", method=method)

    assert answer.status_code == 200
    assert answer.json() == {"sub": str(scene.user.pk), "email": scene.user.email}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def test_the_mail_address_needs_its_scope(scene):
    token = scene.tokens(resource=None, scope="openid")["access_token"]

    assert asked(scene, f"Bearer {token}").json() == {"sub": str(scene.user.pk)}


def test_a_user_without_mail_address_has_none(scene, token):
    from authplane.accounts.models import User

    User.objects.filter(pk=scene.user.pk).update(email=None)

    assert asked(scene, f"Bearer {token}").json() == {"sub": str(scene.user.pk)}


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_is_case_insensitive(scene, token, scheme):
    assert asked(scene, f"{scheme} {token}").status_code == 200


@pytest.mark.spec("RFC 6750", "3", "MUST", "a request without a valid token is challenged")
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic aWQ6c2VjcmV0", "x"]
)
def test_without_a_token_the_challenge_names_no_error(scene, authorization):
    answer = asked(scene, authorization)

    assert_refused(answer, INVALID_TOKEN)
    assert answer.headers["www-authenticate"] == PLAIN


@pytest.mark.spec("RFC 6750", "3", "MUST", "a request without a valid token is challenged")
@pytest.mark.parametrize(
    "token", ["unknown", "a.b.c", "..", "x" * 5000, "a b", "e30.e30.e30", "=", "a,b"]
)
def test_what_is_no_token_is_refused(scene, token):
    answer = asked(scene, f"Bearer {token}")

    assert_refused(answer, INVALID_TOKEN)
    assert answer.headers["www-authenticate"] == INVALID


@pytest.mark.spec("RFC 6750", "2.3", "SHOULD", "access tokens in the query are not accepted")
def test_a_token_in_query_or_body_does_not_count(scene, token):
    for options in (
        {"params": {"access_token": token}},
        {"method": "POST", "data": {"access_token": token}},
    ):
        assert_refused(asked(scene, **options), INVALID_TOKEN)


def test_only_tokens_for_the_issuer_count(scene):
    for foreign in (scene.tokens()["access_token"], scene.machine_token()):
        assert_refused(asked(scene, f"Bearer {foreign}"), INVALID_TOKEN)


@pytest.mark.spec(
    "RFC 6750", "3.1", "SHOULD", "a token without the needed scope is 403 insufficient_scope"
)
def test_a_machine_is_no_user(scene):
    answer = asked(scene, f"Bearer {scene.machine_token(resource=None)}")

    assert_refused(answer, INSUFFICIENT_SCOPE)
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_an_expired_token_is_refused(frozen_clock, scene):
    token = scene.tokens(resource=None, scope="openid")["access_token"]
    frozen_clock.shift(930)

    assert_refused(asked(scene, f"Bearer {token}"), INVALID_TOKEN)


def test_a_revoked_token_is_refused(scene, token):
    scene.client.revoke(token)

    assert_refused(asked(scene, f"Bearer {token}"), INVALID_TOKEN)


def test_tokens_of_a_disabled_user_and_a_stopped_client_are_refused(scene, token):
    from oauth.models import Client

    Client.objects.filter(client_id=scene.client.client_id).update(status="suspended")
    assert_refused(asked(scene, f"Bearer {token}"), INVALID_TOKEN)
    Client.objects.filter(client_id=scene.client.client_id).update(status="active")
    assert asked(scene, f"Bearer {token}").status_code == 200

    scene.user.status = "disabled"
    scene.user.save()
    assert_refused(asked(scene, f"Bearer {token}"), INVALID_TOKEN)


def test_a_refresh_token_is_no_access_token(scene):
    tokens = scene.tokens(resource=None, scope="openid")

    assert_refused(asked(scene, f"Bearer {tokens['refresh_token']}"), INVALID_TOKEN)


def test_a_token_that_was_never_issued_is_refused(scene, token):
    assert_refused(asked(scene, f"Bearer {forged.signed_by_us()}"), INVALID_TOKEN)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(scene, token, method):
    answer = asked(scene, f"Bearer {token}", method=method)

    assert_refused(answer, USE_POST)
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
