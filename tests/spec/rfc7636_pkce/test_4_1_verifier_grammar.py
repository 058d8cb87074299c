"""RFC 7636 section 4.1: what a verifier is made of."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.refusals import VERIFIER_MALFORMED, VERIFIER_WRONG, assert_refused

UNRESERVED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"


def challenge_of(verifier: str) -> str:
    import base64
    import hashlib

    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.mark.parametrize("verifier", ["a" * 43, "~" * 128, UNRESERVED])
def test_43_to_128_unreserved_characters_are_a_verifier(scene, verifier):
    authorization = scene.authorize(code_challenge=challenge_of(verifier))

    assert scene.client.redeem(authorization, code_verifier=verifier).status_code == 200


@pytest.mark.spec("RFC 7636", "4.1", "MUST", "the verifier has 43 to 128 unreserved characters")
@pytest.mark.parametrize(
    "verifier",
    [
        "a" * 42,
        "a" * 129,
        "a" * 5000,
        "a" * 42 + " ",
        "a" * 42 + "+",
        "a" * 42 + "/",
        "a" * 43 + "=",
        "a" * 43 + "\n",
        "a" * 42 + "\N{LATIN SMALL LETTER A WITH DIAERESIS}",
        "a" * 42 + "\N{FULLWIDTH DIGIT ONE}",
    ],
)
def test_anything_else_is_refused_even_if_the_challenge_matches(scene, verifier):
    authorization = scene.authorize(code_challenge=challenge_of(verifier))

    with nothing_changes():
        assert_refused(
            scene.client.redeem(authorization, code_verifier=verifier), VERIFIER_MALFORMED
        )
        assert_refused(scene.client.redeem(authorization, code_verifier="a" * 50), VERIFIER_WRONG)
