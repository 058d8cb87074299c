"""RFC 9068: what an access token is made of, as a resource server reads it."""

from __future__ import annotations

import uuid

import jwt
import pytest

from tests.support.digests import nothing_changes
from tests.support.factories import make_resource
from tests.support.scene import change_client


@pytest.mark.spec("RFC 9068", "2.1", "MUST", "the type is at+jwt")
def test_the_header_names_type_algorithm_and_key(scene):
    header = jwt.get_unverified_header(scene.machine_token())

    (key,) = scene.client.jwks()["keys"]
    assert header == {"alg": "ES256", "kid": key["kid"], "typ": "at+jwt"}


@pytest.mark.spec("RFC 9068", "2.2", "MUST", "the required claims are present")
def test_a_token_for_a_user(frozen_clock, scene):
    claims = scene.client.claims(scene.tokens(scope="read write")["access_token"])

    now = 1_773_480_413
    jti = claims.pop("jti")
    assert uuid.UUID(jti).version == 7
    assert claims == {
        "iss": scene.client.issuer,
        "sub": str(scene.user.pk),
        "aud": [scene.resource.uri],
        "client_id": scene.client.client_id,
        "scope": "read write",
        "iat": now,
        "nbf": now,
        "exp": now + 900,
        "auth_time": now,
        "acr": "urn:authplane:acr:password",
        "amr": ["pwd"],
    }


def test_the_id_of_a_token_is_that_of_its_ledger_row(scene):
    from oauth.models import AccessToken

    tokens = scene.tokens()
    claims = scene.client.claims(tokens["access_token"])

    row = AccessToken.objects.get(pk=claims["jti"])
    assert (str(row.user_id), row.subject) == (claims["sub"], claims["sub"])
    assert (row.kind, row.resource, row.scope) == ("authorization_code", claims["aud"][0], "read")
    assert (int(row.created.timestamp()), int(row.expires.timestamp())) == (
        claims["iat"],
        claims["exp"],
    )
    assert row.revoked_at is None


@pytest.mark.parametrize("kind", ["authorization_code", "refresh_token", "client_credentials"])
def test_every_grant_writes_one_row_to_the_ledger(scene, kind):
    from oauth.models import AccessToken

    if kind == "client_credentials":
        token = scene.machine_token()
    else:
        tokens = scene.tokens()
        if kind == "refresh_token":
            tokens = scene.client.refresh(tokens["refresh_token"]).json()
        token = tokens["access_token"]

    assert AccessToken.objects.filter(kind=kind).count() == 1
    assert str(AccessToken.objects.get(kind=kind).pk) == scene.client.claims(token)["jti"]


def test_a_token_without_scope_has_no_empty_claim(scene):
    client = scene.another_machine()

    token = client.client_credentials(resource=None).json()["access_token"]

    assert "scope" not in client.claims(token)


def test_an_agent_says_so(scene):
    change_client(scene.machine, is_agent=True)

    assert scene.machine.claims(scene.machine_token())["agent_id"] == scene.machine.client_id
    assert "agent_id" not in scene.client.claims(scene.tokens()["access_token"])


def test_no_claim_reveals_the_mail_address(scene):
    token = scene.tokens(resource=None, scope="openid email")["access_token"]

    assert scene.user.email not in str(scene.client.claims(token))


@pytest.mark.spec("RFC 9068", "4", "MUST", "a resource server refuses a foreign audience")
@pytest.mark.spec("RFC 7519", "4.1.3", "MUST", "a token for another audience is not accepted")
def test_a_token_for_one_resource_is_nothing_at_another(scene):
    """The issuer is a resource server too: its userinfo endpoint."""
    token, other = scene.tokens()["access_token"], make_resource()

    assert scene.client.claims(token, audience=scene.resource.uri)["aud"] == [scene.resource.uri]
    with pytest.raises(jwt.InvalidAudienceError):
        scene.client.claims(token, audience=other.uri)
    with nothing_changes():
        assert scene.client.userinfo(token).status_code == 401


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256"])
def test_other_algorithms_can_be_chosen(scene, override_config, algorithm):
    from oauth.keys import store
    from oauth.keys.rotation import rotate

    override_config(signing={"algorithm": algorithm})
    scene.machine_token()
    rotate(immediate=True)
    assert store.signing_key().algorithm == algorithm

    token = scene.machine_token()

    assert jwt.get_unverified_header(token)["alg"] == algorithm
    assert scene.machine.claims(token)["client_id"] == scene.machine.client_id
    assert scene.is_active(token)
