"""What is written into headers and documents, for any value."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authplane.resource import Protection, Refused, Unavailable, errors
from authplane.resource.addresses import is_same_address, normal_form
from authplane.resource.challenge import answer, challenges, quoted
from authplane.resource.metadata import document, metadata_url

QUOTED = re.compile(r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"')


def protection(**settings):
    return Protection(
        **{"issuer": "https://as.example.com", "resource": "https://h.example/mcp"} | settings
    )


@given(st.text())
def test_a_quoted_string_is_one_whatever_it_holds(value):
    written = quoted(value)

    assert QUOTED.fullmatch(written)
    inner = re.sub(r"\\(.)", r"\1", written[1:-1])
    assert inner == "".join(c for c in value if " " <= c <= "~")


@given(
    scopes=st.lists(st.text(min_size=1)), levels=st.lists(st.text(min_size=1)),
    age=st.none() | st.integers(min_value=0),
    mode=st.sampled_from(["off", "supported", "required"]),
)  # fmt: skip
def test_a_challenge_is_always_one_line_of_pairs(scopes, levels, age, mode):
    refusal = Refused(
        403, "insufficient_scope", "text", scopes=tuple(scopes), acr_values=tuple(levels),
        max_age=age,
    )  # fmt: skip
    for challenge in challenges(refusal, protection=protection(dpop=mode)):
        assert re.fullmatch(
            rf"(Bearer|DPoP) [a-z_]+={QUOTED.pattern}(, [a-z_]+={QUOTED.pattern})*", challenge
        )


METADATA = 'resource_metadata="https://h.example/.well-known/oauth-protected-resource/mcp"'
ALGS = 'algs="ES256 EdDSA PS256 RS256"'
NO_TOKEN = errors.no_credentials()


@pytest.mark.parametrize(
    ("mode", "refusal", "expected"),
    [
        ("off", NO_TOKEN, [f'Bearer scope="read", {METADATA}']),
        ("required", NO_TOKEN, [f'DPoP scope="read", {METADATA}, {ALGS}']),
        (
            "supported",
            errors.insufficient_scope(("read", "write")),
            [
                (
                    'Bearer error="insufficient_scope", '
                    'error_description="the operation needs more scope", '
                    f'scope="read write", {METADATA}'
                ),
                f'DPoP scope="read write", {METADATA}, {ALGS}',
            ],
        ),
        (
            "supported",
            errors.invalid_proof("x"),
            [
                (
                    'DPoP error="invalid_dpop_proof", '
                    'error_description="the DPoP proof is invalid", '
                    f'scope="read", {METADATA}, {ALGS}'
                ),
                f'Bearer scope="read", {METADATA}',
            ],
        ),
        (
            "off",
            errors.insufficient_sign_in(acr_values=("gold", "silver"), max_age=5),
            [
                (
                    'Bearer error="insufficient_user_authentication", '
                    'error_description="the user must sign in again", acr_values="gold silver", '
                    f'max_age="5", scope="read", {METADATA}'
                )
            ],
        ),
    ],
)
@pytest.mark.spec("RFC 6750", "3", "MUST", "a request without a valid token is challenged")
@pytest.mark.spec("RFC 9470", "3", "MUST", "a challenge for another sign-in says which one")
def test_challenges(mode, refusal, expected):
    assert challenges(refusal, protection=protection(dpop=mode, scopes=("read",))) == expected


def test_the_body_says_the_same_and_no_reason(caplog):
    told = answer(errors.invalid_token("because of this"), protection=protection())
    assert json.loads(told.body)["error"] == "invalid_token"
    assert b"because" not in told.body
    assert ("Cache-Control", "no-store") in told.headers

    told = answer(errors.nonce_needed("n"), protection=protection())
    assert ("DPoP-Nonce", "n") in told.headers
    told = answer(Unavailable("down"), protection=protection())
    assert (told.status, dict(told.headers)["Retry-After"]) == (503, "5")
    assert b"down" not in told.body


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("https://h", "https://h/.well-known/oauth-protected-resource"),
        ("https://h/", "https://h/.well-known/oauth-protected-resource"),
        ("https://h/a/b", "https://h/.well-known/oauth-protected-resource/a/b"),
        ("https://h/a/", "https://h/.well-known/oauth-protected-resource/a/"),
        ("https://h:1/a?k=1", "https://h:1/.well-known/oauth-protected-resource/a?k=1"),
    ],
)
@pytest.mark.spec("RFC 9728", "3.1", "MUST", "the well-known part goes between host and path")
def test_where_the_metadata_lies(resource, url):
    assert metadata_url(resource) == url


def test_the_metadata_holds_nothing_empty():
    assert document(protection(dpop="off")) == {
        "resource": "https://h.example/mcp",
        "authorization_servers": ["https://as.example.com"],
        "bearer_methods_supported": ["header"],
    }
    whole = document(protection(dpop="required", scopes=("read", "offline_access"), name="Notes"))
    assert whole["scopes_supported"] == ["read"]
    assert whole["dpop_bound_access_tokens_required"] is True
    assert whole["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA", "PS256", "RS256"]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("https://h/a", "HTTPS://H:443/a", True),
        ("http://h:80", "http://h/", True),
        ("https://h:8443/", "https://h/", False),
        ("https://h/a?x=1#y", "https://h/a", True),
        ("https://h/%7Ea", "https://h/~a", True),
        ("https://h/%2fa", "https://h/%2Fa", True),
        ("https://h/%2Fa", "https://h//a", False),
        ("https://h/a/", "https://h/a", False),
        ("https://h/a/../b", "https://h/b", False),
        ("https://[::1]:9/a", "https://[::1]:9/a", True),
        ("https://u@h/a", "https://u@h/a", False),
        ("ftp://h/a", "ftp://h/a", False),
        ("//h/a", "//h/a", False),
        ("https://h/%zz", "https://h/%zz", False),
        ("https://h:x/a", "https://h:x/a", False),
        ("https://h/\\a", "https://h/\\a", False),
        ("https://h/a b", "https://h/a b", False),
        ("https://hé/a", "https://hé/a", False),
    ],
)
def test_addresses(first, second, same):
    assert is_same_address(first, second) is same


SEGMENT = st.text("abcXYZ0129-._~%!$&'()*+,;=:@é /", max_size=6)


@given(path=st.lists(SEGMENT), port=st.sampled_from(["", ":443", ":8443"]), query=SEGMENT)
def test_a_normal_form_is_stable_and_loses_only_what_does_not_count(path, port, query):
    from urllib.parse import quote

    escaped = "/".join(quote(part, safe="") for part in path)
    url = f"https://h.example{port}/{escaped}"
    normal = normal_form(url)

    assert normal is not None
    assert normal_form(normal) == normal
    assert normal_form(f"{url}?{quote(query)}#{quote(query)}") == normal
    assert normal_form(url.replace("https://h.", "HTTPS://H.")) == normal
    assert is_same_address(url, f"{url}x") is False


@given(st.text())
def test_no_text_breaks_the_comparison(text):
    assert is_same_address(text, text) in {True, False}
    assert is_same_address(f"https://h/{text}", "https://other/") is False
