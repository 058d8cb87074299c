from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authplane.core.hashing import b64url, sha256
from oauth import pkce

UNRESERVED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
verifiers = st.text(UNRESERVED, min_size=43, max_size=128)


def test_the_example_of_the_specification():
    """RFC 7636 appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    assert pkce.verifier_matches(verifier, challenge)
    assert not pkce.verifier_matches(challenge, challenge)
    assert not pkce.verifier_matches(verifier, verifier)


@given(verifiers, verifiers)
def test_a_verifier_matches_its_own_challenge_only(one, other):
    challenge = b64url(sha256(one))

    assert pkce.is_verifier(one)
    assert pkce.is_challenge(challenge)
    assert pkce.verifier_matches(other, challenge) == (one == other)


@given(st.text(max_size=200))
def test_the_grammar_of_a_verifier(text):
    good = 43 <= len(text) <= 128 and set(text) <= set(UNRESERVED)

    assert pkce.is_verifier(text) == good


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 43 + "\n"])
def test_what_is_no_challenge(text):
    assert not pkce.is_challenge(text)
