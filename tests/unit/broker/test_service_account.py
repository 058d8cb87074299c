"""Service accounts that assert whom they act for."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from broker.providers.private_keys import BadKey
from broker.providers.settings import ServiceAccountSettings
from broker.upstream.reach import reach_of
from broker.upstream.service_account import assertion, obtain, signing_key
from tests.support.upstream import ALLOWED, running_upstream

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
PKCS8 = serialization.PrivateFormat.PKCS8
TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL


def pem(key, form=PKCS8):
    return key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    ).decode()


def settings(**members):
    members.setdefault("token_url", "https://up.example/token")
    return ServiceAccountSettings(sa_email="sa@up.example", **members)


@pytest.mark.parametrize("form", [PKCS8, TRADITIONAL])
@pytest.mark.parametrize(("key", "algorithm"), [(RSA_KEY, "RS256"), (EC_KEY, "ES256")])
def test_every_form_of_key_signs(key, algorithm, form):
    made = assertion(
        settings(algorithm=algorithm, token_ttl_seconds=60), pem(key, form),
        subject="person@up.example", scopes=("a", "b"), now=1_800_000_000,
    )  # fmt: skip

    claims = jwt.decode(
        made, key.public_key(), algorithms=[algorithm], audience="https://up.example/token",
        options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip
    assert ("sa@up.example", "person@up.example", "a b", 60) == (
        claims["iss"], claims["sub"], claims["scope"], claims["exp"] - claims["iat"],
    )  # fmt: skip
    assert len(claims["jti"]) == 43
    assert jwt.get_unverified_header(made) == {"alg": algorithm, "typ": "JWT"}


def test_without_scopes_there_is_no_claim():
    made = assertion(settings(), pem(RSA_KEY), subject="p", scopes=(), now=1)

    assert "scope" not in jwt.decode(made, options={"verify_signature": False})


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (EC_KEY, "RS256"),
        (RSA_KEY, "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES256"),
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), "RS256"),  # noqa: S505
    ],
)
def test_keys_that_do_not_fit_are_refused(key, algorithm):
    text = pem(key)

    with pytest.raises(BadKey) as raised:
        signing_key(text, algorithm=algorithm)

    assert text[60:90] not in str(raised.value)


def test_what_is_no_key_is_refused():
    with pytest.raises(BadKey):
        signing_key("not a key", algorithm="RS256")


def test_the_assertion_is_a_grant(override_config):
    override_config(broker=ALLOWED)
    with running_upstream(gives_refresh=False) as upstream:
        url = f"{upstream.url}/token"
        answer = obtain(
            settings(token_url=url), pem(RSA_KEY), subject="p", scopes=("a",),
            reach=reach_of(url), now=1_800_000_000,
        )  # fmt: skip

    (request,) = upstream.asked
    assert answer.access_token in upstream.given
    assert request["kind"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert set(request["form"]) == {"grant_type", "assertion"}
