"""Which ID tokens are believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.spec.federated_sign_in.test_hop import nothing_happened, reason
from tests.support.openid import CLIENT_ID
from tests.support.published import signing_key

UNSIGNED, NOT_OURS = "id_token_not_signed_by_provider", "id_token_not_for_this_sign_in"


def b64(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": None},
        {"aud": []},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": 1},
        {"exp": None},
        {"exp": "never"},
        {"iat": None},
        {"iat": 99_999_999_999},
        {"nbf": 99_999_999_999},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "a\x00b"},
        {"sub": 7},
        {"at_hash": "another"},
        {"at_hash": 7},
    ],
    ids=lambda claims: ",".join(f"{name}={str(value)[:20]}" for name, value in claims.items()),
)
def test_claims_that_are_not_for_this_sign_in(visitor, world, claims):
    world.claims = claims
    page = visitor.sign_in()

    assert 401 == page.status_code
    assert NOT_OURS == reason()
    assert nothing_happened(visitor)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
        {"azp": CLIENT_ID},
        {"at_hash": None},
        {"auth_time": None},
        {"email": None, "name": None},
    ],
    ids=",".join,
)
def test_claims_that_are(visitor, world, claims):
    world.claims = claims

    assert 303 == visitor.sign_in().status_code
    assert visitor.is_signed_in()


def unsigned(claims):
    return f"{b64({'alg': 'none'})}.{b64(claims)}."


def unsigned_but_three_parts(claims):
    return f"{b64({'alg': 'none'})}.{b64(claims)}.AA"


def keyed_with_the_public_key(world):
    """HMAC with what everybody can read: the attack on verifiers that let the token choose."""

    def forge(claims):
        public = jwt.PyJWK.from_dict(world.key).key.public_key()
        pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        signed = f"{b64({'alg': 'HS256', 'kid': world.key['kid']})}.{b64(claims)}"
        return f"{signed}.{b64(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"

    return forge


def of_another_key(world):
    stranger = signing_key(world.key["kid"])
    private = jwt.PyJWK.from_dict(stranger).key
    return lambda claims: jwt.encode(
        claims, private, algorithm="ES256", headers={"kid": world.key["kid"]}
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda _: unsigned,
        lambda _: unsigned_but_three_parts,
        keyed_with_the_public_key,
        of_another_key,
        lambda world: lambda claims: world.signed(claims, typ="at+jwt"),
        lambda world: lambda claims: world.signed(claims)[:-4] + "AAAA",
        lambda _: lambda claims: "x.y.z",
    ],
    ids=["none", "none-3", "hs256", "other-key", "access-token", "cut", "nonsense"],
)
def test_signatures_that_nobody_of_the_provider_made(visitor, world, make):
    world.forge = make(world)
    page = visitor.sign_in()

    assert 401 == page.status_code
    assert UNSIGNED == reason()
    assert nothing_happened(visitor)


def test_no_id_token_is_no_sign_in(visitor, world):
    """A server that is no OpenID provider answers like that: this one does."""
    world.forge = lambda _claims: ""

    assert 401 == visitor.sign_in().status_code
    assert "no_id_token" == reason()


def test_rotated_keys_are_found_once_a_minute(visitor, world, frozen_clock):
    visitor.sign_in()
    world.key = signing_key("second")
    assert 303 == visitor.sign_in().status_code
    assert 2 == world.count("/jwks")

    good, world.key = world.key, signing_key("second")
    assert 401 == visitor.sign_in().status_code
    world.forge = of_another_key(type(world)(key=good | {"kid": "invented"}))
    assert 401 == visitor.sign_in().status_code
    assert 2 == world.count("/jwks")


def test_keys_that_cannot_be_had(visitor, world):
    world.document = {"jwks_uri": f"{world.url}/nowhere"}

    assert 503 == visitor.sign_in().status_code
    assert nothing_happened(visitor)


def test_clocks_may_differ_a_little(visitor, world, frozen_clock):
    from authplane.core.config import config

    skew = config().tokens.clock_skew
    now = int(time.time())
    world.claims = {"iat": now + skew, "exp": now - skew + 1}
    assert 303 == visitor.sign_in().status_code
    world.claims = {"iat": now, "exp": now - skew}
    assert 401 == visitor.sign_in().status_code
