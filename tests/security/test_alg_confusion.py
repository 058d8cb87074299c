"""Tokens that talk a careless verifier into accepting them, wherever an access token is read."""

from __future__ import annotations

import base64
import json

import pytest

from tests.support import forged
from tests.support.digests import nothing_changes

PLACES = ["introspection", "userinfo", "revocation"]


@pytest.fixture
def owner(scene):
    """A confidential client that may ask who its users are."""
    return scene.another_machine(scope="openid email")


@pytest.fixture
def token(scene, owner):
    """A good token for the issuer: good in every place."""
    return owner.tokens(scene.person, resource=None, scope="openid")["access_token"]


def is_accepted(owner, token, place) -> bool:
    """Whether this place takes the token for one of ours."""
    match place:
        case "introspection":
            answer = owner.introspect(token)
            assert answer.status_code == 200, answer.text
            return answer.json()["active"]
        case "userinfo":
            answer = owner.userinfo(token)
            assert answer.status_code in {200, 401}, answer.text
            return answer.status_code == 200
        case _:
            from oauth.models import AccessToken

            answer = owner.revoke(token)
            assert (answer.status_code, answer.content) == (200, b"")
            return AccessToken.objects.exclude(revoked_at=None).exists()


def assert_worthless(owner, token, place):
    with nothing_changes():
        assert not is_accepted(owner, token, place)


@pytest.mark.parametrize("place", PLACES)
def test_the_good_token_is_accepted(owner, token, place):
    assert is_accepted(owner, token, place)


@pytest.mark.spec("RFC 8725", "3.1", "MUST", "a token without signature is not accepted")
@pytest.mark.spec("RFC 7662", "4", "MUST", "expired, revoked and forged tokens are inactive")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "ES256"])
def test_a_token_without_signature_is_not_accepted(owner, token, place, algorithm):
    assert_worthless(owner, forged.unsigned(token, algorithm=algorithm), place)


@pytest.mark.spec(
    "RFC 8725", "3.1", "MUST", "a token signed with the public key as a secret is not accepted"
)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
def test_a_token_signed_with_the_public_key_as_secret_is_not_accepted(
    owner, token, place, algorithm
):
    (jwk,) = owner.jwks()["keys"]
    for secret in [*forged.secrets_from(jwk), b""]:
        assert_worthless(owner, forged.with_mac(token, secret, algorithm=algorithm), place)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "claims",
    [{"scope": "openid email"}, {"sub": "somebody"}, {"exp": 9_999_999_999}, {"client_id": "x"}],
)
def test_changed_claims_break_the_signature(owner, token, place, claims):
    assert_worthless(owner, forged.with_claims(token, **claims), place)


@pytest.mark.parametrize("place", PLACES)
def test_another_key_under_our_key_id_is_not_accepted(owner, token, place):
    assert_worthless(owner, forged.signed_by_a_stranger(token), place)


@pytest.mark.parametrize("place", PLACES)
def test_a_key_that_the_token_brings_along_is_not_used(owner, token, place):
    import jwt
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    header, claims, _ = forged.parts_of(token)
    brought = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    for members in (
        {"jwk": brought},
        {"jwk": brought, "kid": "unknown"},
        {"jku": "https://evil.example.com/jwks.json", "kid": "unknown"},
        {"x5u": "https://evil.example.com/cert.pem"},
        {"kid": "../../../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": ""},
    ):
        signed = jwt.encode(claims, key, algorithm="ES256", headers=header | members)
        assert_worthless(owner, signed, place)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kid", [None, 1, True, [], {}, ["a"]])
def test_an_odd_key_id_is_not_accepted(owner, token, place, kid):
    assert_worthless(owner, forged.with_header(token, kid=kid), place)


@pytest.mark.spec("RFC 8725", "3.11", "SHOULD", "a token of another type is not accepted")
@pytest.mark.spec("RFC 9068", "2.1", "MUST", "the type is at+jwt")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("typ", ["JWT", "dpop+jwt", "oauth-authz-req+jwt", "", "at+jwt;x", None])
def test_a_token_of_another_type_is_not_accepted(owner, token, place, typ):
    """Under our real key, with the claims and the ledger row of a good token."""
    claims = forged.parts_of(token)[1]
    assert is_accepted(owner, forged.signed_by_us(**claims), "introspection")

    assert_worthless(owner, forged.signed_by_us(typ=typ, **claims), place)


@pytest.mark.spec("RFC 9068", "2.2", "MUST", "the required claims are present")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example.com"},
        {"iss": "http://localhost:9000/"},
        {"iss": None},
        {"sub": None},
        {"client_id": None},
        {"jti": None},
        {"aud": None},
        {"iat": None},
        {"exp": None},
    ],
    ids=str,
)
def test_required_claims_are_required_even_under_our_key(owner, token, place, claims):
    good = forged.parts_of(token)[1]

    assert_worthless(owner, forged.signed_by_us(**(good | claims)), place)


@pytest.mark.parametrize("place", ["introspection", "userinfo"])
@pytest.mark.parametrize(
    "claims",
    [
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": [1]},
        {"exp": -1},
        {"nbf": 9_999_999_999},
        {"nbf": "1"},
        {"nbf": {}},
        {"iat": "x", "nbf": None},
        {"jti": "x"},
        {"jti": 7},
        {"jti": ["x"]},
        {"aud": []},
        {"aud": {}},
        {"aud": 7},
        {"aud": [[]]},
        {"client_id": 7},
        {"client_id": []},
    ],
    ids=str,
)
def test_odd_claims_are_never_a_failure_even_under_our_key(owner, token, place, claims):
    good = forged.parts_of(token)[1]

    assert_worthless(owner, forged.signed_by_us(**(good | claims)), place)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "header",
    [
        b"[" * 10_000,
        b'{"a":' * 2_000,
        b"{}",
        b"[]",
        b"null",
        b"1",
        b"\xff",
        b'{"alg":"ES256","kid":"\\ud800"}',
        b'{"alg":["ES256"]}',
        b'{"alg":"ES256","crit":["x"],"x":1}',
        b'{"alg":"ES256","b64":false,"crit":["b64"]}',
        b"9" * 10_000,
    ],
)
def test_a_header_that_is_none_is_never_a_failure(owner, token, place, header):
    _, claims, signature = token.split(".")

    assert_worthless(owner, f"{encoded(header)}.{claims}.{signature}", place)


@pytest.mark.parametrize("place", PLACES)
def test_other_serialisations_are_not_accepted(owner, token, place):
    header, claims, signature = token.split(".")
    as_json = json.dumps(
        {"payload": claims, "signatures": [{"protected": header, "signature": signature}]}
    )
    variants = [
        as_json,
        f"{header}.{claims}",
        f"{token}.x",
        f"{token}=",
        f"{header}.{claims}.{signature}==",
        f" {token}x",
        f"{header}.{claims}.",
        f"{header}..{signature}",
        f"{token}.{'x' * 20}.y",
        token + "A" * 20_000,
    ]
    for variant in variants:
        assert_worthless(owner, variant, place)
