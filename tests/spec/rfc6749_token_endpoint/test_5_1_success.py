"""RFC 6749 section 5.1: what a successful answer holds."""

from __future__ import annotations

import re

import pytest

MEMBERS = ["access_token", "token_type", "expires_in", "refresh_token", "scope"]


def answers(scene):
    authorization = scene.authorize()
    code = scene.client.redeem(authorization)
    return {
        "code": code,
        "refresh": scene.client.refresh(code.json()["refresh_token"]),
        "machine": scene.machine.client_credentials(),
    }


@pytest.mark.spec("RFC 6749", "5.1", "MUST", "token answers are not stored")
def test_no_answer_may_be_stored(scene):
    refused = scene.client.refresh("unknown")
    assert refused.status_code == 400
    for answer in [*answers(scene).values(), refused]:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["pragma"] == "no-cache"
        assert "set-cookie" not in answer.headers


def test_every_answer_is_plain_json_whatever_is_accepted(scene):
    scene.client.default_headers = {"Accept": "application/problem+json"}
    for answer in answers(scene).values():
        assert answer.headers["content-type"] == "application/json"


def test_the_members_are_those_of_the_specification(scene):
    got = answers(scene)
    assert list(got["code"].json()) == MEMBERS
    assert list(got["refresh"].json()) == MEMBERS
    assert list(got["machine"].json()) == [name for name in MEMBERS if name != "refresh_token"]
    for answer in got.values():
        assert answer.json()["token_type"] == "Bearer"
        assert isinstance(answer.json()["expires_in"], int)


def test_an_access_token_for_a_user_lives_a_quarter_of_an_hour(scene):
    assert scene.tokens()["expires_in"] == 900


@pytest.mark.shows("setting", "dcr.default_token_expiry")
def test_the_lifetime_can_be_set(scene, override_config):
    override_config(tokens={"access_ttl": 60})

    tokens = scene.tokens()

    assert tokens["expires_in"] == 60
    claims = scene.client.claims(tokens["access_token"])
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.spec(
    "RFC 6749", "3.3", "MUST", "a scope that differs from the requested one is returned"
)
def test_the_scope_that_was_allowed_is_returned(scene):
    authorization = scene.authorize(scope="read write", ticked={"write"})

    answer = scene.client.redeem(authorization).json()

    assert answer["scope"] == "write"
    assert scene.client.claims(answer["access_token"])["scope"] == "write"
    assert scene.client.refresh(answer["refresh_token"], scope="read").status_code == 400


@pytest.mark.spec("RFC 6749", "10.10", "MUST", "codes, tokens and secrets cannot be guessed")
def test_codes_and_refresh_tokens_are_256_random_bits(scene):
    opaque = re.compile(r"[A-Za-z0-9_-]{43}")
    seen = set()
    for _ in range(3):
        authorization = scene.authorize()
        refresh_token = scene.client.redeem(authorization).json()["refresh_token"]
        assert opaque.fullmatch(authorization.code)
        assert opaque.fullmatch(refresh_token)
        seen |= {authorization.code, refresh_token}
    assert len(seen) == 6
    guess = "A" * 43
    assert scene.client.refresh(guess).status_code == 400


def test_neither_code_nor_refresh_token_is_stored(scene):
    from oauth.models import AuthorizationCode, RefreshToken

    authorization = scene.authorize()
    tokens = scene.client.redeem(authorization).json()

    rows = repr([*AuthorizationCode.objects.values(), *RefreshToken.objects.values()])
    assert authorization.code not in rows
    assert authorization.verifier not in rows
    assert tokens["refresh_token"] not in rows
    assert tokens["access_token"] not in rows
