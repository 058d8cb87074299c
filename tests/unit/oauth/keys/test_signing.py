"""Our own framing of a JWT is the one that everybody else reads."""

from __future__ import annotations

import jwt
import pytest

from oauth.keys.algorithms import new_private_key
from oauth.keys.signing import sign_compact
from oauth.keys.store import LoadedKey

CLAIMS = {"iss": "https://as.example.com", "sub": "Zoë", "aud": ["https://mcp.example.com/mcp"]}


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_any_library_verifies_what_we_sign(algorithm):
    private = new_private_key(algorithm)
    key = LoadedKey(kid="key-1", algorithm=algorithm, private_key=private)

    token = sign_compact(CLAIMS, key=key, typ="at+jwt")

    options = {"verify_aud": False}
    read = jwt.decode(token, private.public_key(), algorithms=[algorithm], options=options)
    assert read == CLAIMS
    assert jwt.get_unverified_header(token) == {"alg": algorithm, "kid": "key-1", "typ": "at+jwt"}


def test_the_header_is_that_of_the_key_and_the_type_at_hand():
    keys = [
        LoadedKey(kid=kid, algorithm="ES256", private_key=new_private_key("ES256"))
        for kid in ("one", "two")
    ]

    headers = [
        jwt.get_unverified_header(sign_compact({}, key=key, typ=typ))
        for key in keys
        for typ in ("at+jwt", "oauth-id-jag+jwt")
    ]

    assert [(header["kid"], header["typ"]) for header in headers] == [
        ("one", "at+jwt"),
        ("one", "oauth-id-jag+jwt"),
        ("two", "at+jwt"),
        ("two", "oauth-id-jag+jwt"),
    ]
