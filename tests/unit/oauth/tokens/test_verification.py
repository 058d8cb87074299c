"""Our own access tokens, verified."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authplane.core.config import config
from oauth.keys.store import VerificationKey
from oauth.tokens import verification

KEY = ec.generate_private_key(ec.SECP256R1())
IN_FORCE = {"k": VerificationKey("ES256", KEY.public_key())}
NOW = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
MOMENT = int(NOW.timestamp())


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    monkeypatch.setattr(verification, "verification_keys", lambda: IN_FORCE)
    monkeypatch.setattr(verification, "_remembered", {})


def token(*, kid="k", typ="at+jwt", key=KEY, **changes) -> str:
    claims = {
        "iss": config().server.issuer, "sub": "s", "aud": ["https://r"], "client_id": "c",
        "jti": str(uuid.UUID(int=1)), "iat": MOMENT, "nbf": MOMENT, "exp": MOMENT + 60,
    } | changes  # fmt: skip
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not None},
        key,
        algorithm="ES256",
        headers={"kid": kid, "typ": typ},
    )


def accepted(text: str, *, seconds: float = 0, **options) -> bool:
    moment = NOW + timedelta(seconds=seconds)
    return verification.verify_access_token(text, now=moment, **options) is not None


def test_a_good_token_is_accepted():
    assert accepted(token())
    assert accepted(token(typ="AT+JWT")), "media types are case-insensitive"
    assert accepted(token(aud="https://r")), "a single audience may be a text"


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": "other"}, {"typ": "JWT"}, {"typ": ""},
        {"iss": "https://other"}, {"iss": None}, {"sub": None}, {"aud": None}, {"aud": []},
        {"aud": ["https://r", 7]}, {"client_id": None}, {"client_id": 7}, {"jti": None}, {"jti": 7},
        {"iat": None}, {"exp": None}, {"exp": "x"}, {"nbf": "x"},
    ],
    ids=str,
)  # fmt: skip
def test_each_defect_is_refused(changes):
    assert not accepted(token(**changes))


def test_another_key_is_refused():
    assert not accepted(token(key=ec.generate_private_key(ec.SECP256R1())))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-31, False), (-30, True), (0, True), (89, True), (90, False)],
)
def test_clocks_may_differ_by_half_a_minute(seconds, expected):
    assert accepted(token(), seconds=seconds) == expected


def test_whoever_ends_a_token_may_name_an_expired_one():
    assert accepted(token(), seconds=10_000, expired_too=True)
    assert not accepted(token(client_id=7), seconds=10_000, expired_too=True)


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.text(max_size=300))
def test_no_text_is_a_failure(text):
    assert not accepted(text)


@FUZZ
@given(st.integers(0, 400), st.integers(1, 255))
def test_no_changed_token_is_accepted(place, difference):
    """Any other character anywhere; the last one may hold unused bits of base64."""
    good = token()
    position = place % (len(good) - 1)
    other = chr((ord(good[position]) + difference) % 256)
    changed = good[:position] + other + good[position + 1 :]

    assert accepted(changed) == (changed == good)


@pytest.mark.parametrize("value", ["", "x", "1" * 32 + "x", "00000000-0000-0000-0000-00000000000g"])
def test_an_id_that_is_not_ours_is_none(value):
    assert verification.token_id({"jti": value}) is None
    assert verification.token_id({"jti": str(uuid.UUID(int=5))}) == uuid.UUID(int=5)


def test_a_token_is_verified_once_while_its_key_is_in_force(monkeypatch):
    text = token()
    assert accepted(text)
    monkeypatch.setattr(verification.jwt, "decode", lambda *_, **__: pytest.fail("verified again"))

    assert accepted(text)
    assert not accepted(text, seconds=3600), "time is asked each time"


def test_what_is_remembered_ends_with_its_key(monkeypatch):
    text = token()
    assert accepted(text)

    monkeypatch.setattr(verification, "verification_keys", dict)
    assert not accepted(text)

    other = VerificationKey("ES256", ec.generate_private_key(ec.SECP256R1()).public_key())
    monkeypatch.setattr(verification, "verification_keys", lambda: {"k": other})
    assert not accepted(text)


def test_what_is_remembered_is_not_shared_with_its_readers():
    text = token()
    verification.verify_access_token(text, now=NOW)["sub"] = "somebody else"

    assert verification.verify_access_token(text, now=NOW)["sub"] == "s"


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(verification, "_MAX_REMEMBERED", 8)
    for number in range(40):
        assert accepted(token(sub=str(number)))

    assert len(verification._remembered) <= 8


def test_a_change_of_the_issuer_ends_what_is_remembered(override_config):
    text = token()
    assert accepted(text)

    override_config(server={"issuer": "https://moved.example.com"})

    assert not accepted(text)
