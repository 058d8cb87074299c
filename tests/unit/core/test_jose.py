"""Strict reading of signed tokens."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from authplane.core import jose
from authplane.core.hashing import b64url

EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the point

ALL = ("ES256", "EdDSA", "RS256", "PS256")


def jwk_of(key, algorithm, **members):
    public = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": "one", "use": "sig", **members}


def sign(claims=None, *, key=EC_KEY, algorithm="ES256", **headers):
    headers = {"kid": "one", "typ": "at+jwt", **headers}
    return jwt.encode(claims or {"sub": "x"}, key, algorithm=algorithm, headers=headers)


def compact(header, payload, signature=b"x" * 64):
    parts = (header, payload, signature)
    return ".".join(b64url(part if isinstance(part, bytes) else part.encode()) for part in parts)


def verify(token, *, keys=None, algorithms=ALL, typ=("at+jwt",)):
    keys = [jwk_of(EC_KEY, "ES256")] if keys is None else keys
    return jose.verify_jws(token, keys=keys, algorithms=algorithms, typ=typ)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(EC_KEY, "ES256"), (ED_KEY, "EdDSA"), (RSA_KEY, "RS256"), (RSA_KEY, "PS256")],
)
def test_a_token_signed_by_a_known_key_is_read(key, algorithm):
    token = sign({"sub": "user"}, key=key, algorithm=algorithm)

    assert verify(token, keys=[jwk_of(key, algorithm)]) == {"sub": "user"}


@pytest.mark.spec("RFC 7638", "3.1", "MUST", "the thumbprint of the example key")
def test_the_thumbprint_of_the_specification():
    key = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS"
        "oc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0"
        "_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4"
        "vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }

    assert jose.thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("key", [{}, {"kty": "oct", "k": "x"}, {"kty": "EC", "crv": "P-256"}])
def test_keys_without_a_thumbprint(key):
    with pytest.raises(jose.JoseError):
        jose.thumbprint(key)


@pytest.mark.spec("RFC 8725", "3.1", "MUST", "only expected algorithms are accepted")
def test_unsigned_tokens_are_refused():
    for name in ("none", "None", "NONE", ""):
        token = compact(json.dumps({"alg": name, "typ": "at+jwt"}), '{"sub":"x"}')
        with pytest.raises(jose.JoseError):
            verify(token, algorithms=(*ALL, name))


@pytest.mark.spec("RFC 8725", "2.1", "MUST", "a public key is never a shared secret")
def test_a_public_key_used_as_hmac_secret_is_refused():
    pem = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    import hashlib
    import hmac

    head = b64url(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": "one"}).encode())
    body = b64url(b'{"sub":"x"}')
    mac = b64url(hmac.new(pem, f"{head}.{body}".encode(), hashlib.sha256).digest())

    with pytest.raises(jose.JoseError):
        verify(f"{head}.{body}.{mac}", keys=[jwk_of(RSA_KEY, "RS256")], algorithms=("HS256", *ALL))


def test_an_algorithm_that_is_not_asked_for_is_refused():
    with pytest.raises(jose.JoseError):
        verify(sign(), algorithms=("RS256",))


def test_another_key_has_not_signed():
    with pytest.raises(jose.JoseError):
        verify(sign(key=OTHER_EC_KEY))


def test_a_changed_payload_is_not_signed():
    head, _, signature = sign().split(".")

    with pytest.raises(jose.JoseError):
        verify(f"{head}.{b64url(b'{}')}.{signature}")


def test_keys_are_chosen_by_id():
    right, wrong = jwk_of(EC_KEY, "ES256", kid="right"), jwk_of(EC_KEY, "ES256", kid="wrong")

    assert verify(sign(kid="right"), keys=[wrong, right])
    with pytest.raises(jose.JoseError):
        verify(sign(kid="right"), keys=[wrong])
    with pytest.raises(jose.JoseError):
        verify(compact('{"alg":"ES256","typ":"at+jwt","kid":7}', "{}"))


def test_a_token_without_key_id_may_be_signed_by_any_fitting_key():
    token = jwt.encode({"sub": "x"}, EC_KEY, algorithm="ES256", headers={"typ": "at+jwt"})

    assert verify(token, keys=[jwk_of(OTHER_EC_KEY, "ES256"), jwk_of(EC_KEY, "ES256")])


@pytest.mark.parametrize(
    "members",
    [{"use": "enc"}, {"alg": "ES384"}, {"key_ops": ["sign"]}, {"crv": "P-384"}, {"x": "AA"}],
)
def test_a_key_made_for_something_else_does_not_verify(members):
    with pytest.raises(jose.JoseError):
        verify(sign(), keys=[jwk_of(EC_KEY, "ES256", **members)])


def test_private_and_short_keys_are_refused():
    private = jwt.get_algorithm_by_name("ES256").to_jwk(EC_KEY, as_dict=True)
    with pytest.raises(jose.JoseError):
        jose.public_key({**private, "kid": "one"}, algorithm="ES256")
    with pytest.raises(jose.JoseError):
        jose.public_key(jwk_of(SHORT_RSA_KEY, "RS256"), algorithm="RS256")


@pytest.mark.spec("RFC 8725", "3.11", "SHOULD", "the type of a token is checked")
@pytest.mark.parametrize("typ", ["JWT", "dpop+jwt", None, 7])
def test_a_token_of_another_type_is_refused(typ):
    headers = {"alg": "ES256", "kid": "one"} | ({} if typ is None else {"typ": typ})
    head, body = b64url(json.dumps(headers).encode()), b64url(b'{"sub":"x"}')
    signature = jwt.get_algorithm_by_name("ES256").sign(f"{head}.{body}".encode(), EC_KEY)

    with pytest.raises(jose.JoseError):
        verify(f"{head}.{body}.{b64url(signature)}")


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_spellings_of_a_type(typ):
    assert verify(sign(typ=typ))


@pytest.mark.spec("RFC 7515", "4.1.11", "MUST", "an unknown critical extension is refused")
@pytest.mark.parametrize("header", [{"crit": ["x"], "x": 1}, {"b64": False}])
def test_a_demanded_extension_is_refused(header):
    headers = {"alg": "ES256", "kid": "one", "typ": "at+jwt", **header}
    head, body = b64url(json.dumps(headers).encode()), b64url(b'{"sub":"x"}')
    signature = jwt.get_algorithm_by_name("ES256").sign(f"{head}.{body}".encode(), EC_KEY)

    with pytest.raises(jose.JoseError):
        verify(f"{head}.{body}.{b64url(signature)}")


BROKEN_JSON = [
    '{"a":1,"a":2}', '{"a":{"b":1,"b":2}}', "[]", '"a"', "null", '{"a":NaN}', "{", "[" * 5000,
    b'{"a":"\xff"}',
]  # fmt: skip


@pytest.mark.spec("RFC 7515", "4", "MUST", "header names are unique")
@pytest.mark.parametrize("header", BROKEN_JSON)
def test_an_ambiguous_or_broken_header_is_refused(header):
    with pytest.raises(jose.JoseError):
        jose.unverified_header(compact(header, "{}"))


@pytest.mark.spec("RFC 8725", "2.4", "SHOULD", "claims are read by one strict reader")
@pytest.mark.parametrize("claims", BROKEN_JSON)
def test_ambiguous_or_broken_claims_are_refused_even_when_signed(claims):
    head = b64url(b'{"alg":"ES256","kid":"one","typ":"at+jwt"}')
    body = b64url(claims if isinstance(claims, bytes) else claims.encode())
    signature = jwt.get_algorithm_by_name("ES256").sign(f"{head}.{body}".encode(), EC_KEY)

    with pytest.raises(jose.JoseError):
        verify(f"{head}.{body}.{b64url(signature)}")


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b", "a.b.c.d", "..", "e30.e30.", ".e30.e30", "e30=.e30.e30", "é.e30.e30"],
)
def test_what_is_no_compact_token_is_refused(token):
    with pytest.raises(jose.JoseError):
        jose.unverified_header(token)


def test_an_overlong_token_is_refused_before_it_is_decoded():
    with pytest.raises(jose.JoseError, match="long"):
        jose.unverified_claims(sign({"sub": "x" * 20000}))


def test_a_second_spelling_of_the_signature_is_refused():
    token = sign()
    tail = token[-1]
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        spelled = token[:-1] + other
        same = base64.urlsafe_b64decode(spelled.split(".")[2] + "==") == base64.urlsafe_b64decode(
            token.split(".")[2] + "=="
        )
        if other != tail and same:
            with pytest.raises(jose.JoseError):
                verify(spelled)


def test_unverified_parts_can_be_looked_at():
    token = sign({"iss": "https://idp"})

    assert jose.unverified_header(token)["alg"] == "ES256"
    assert jose.unverified_claims(token) == {"iss": "https://idp"}
