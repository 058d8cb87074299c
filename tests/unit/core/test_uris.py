"""Comparing and judging URIs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authplane.core import uris

LOOPBACK = "http://127.0.0.1/callback"


@pytest.mark.spec("RFC 8252", "7.3", "MUST", "any port of a loopback redirect is accepted")
@pytest.mark.parametrize(
    ("registered", "presented"),
    [
        (LOOPBACK, "http://127.0.0.1:51004/callback"),
        ("http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback"),
        ("http://localhost/callback", "http://localhost:8080/callback"),
        ("http://[::1]/callback", "http://[::1]:8080/callback"),
        ("http://localhost:3000/cb?x=1", "http://localhost:4000/cb?x=1"),
        ("https://app.example/cb", "https://app.example/cb"),
        ("cursor://host/cb", "cursor://host/cb"),
    ],
)
def test_redirects_that_match(registered, presented):
    assert uris.redirect_matches(registered, presented)


@pytest.mark.spec("RFC 9700", "2.1", "MUST", "redirect URIs are compared exactly")
@pytest.mark.parametrize(
    ("registered", "presented"),
    [
        ("https://app.example/cb", "https://app.example/cb/"),
        ("https://app.example/cb", "https://app.example:443/cb"),
        ("https://app.example/cb", "https://APP.example/cb"),
        ("https://app.example/cb", "https://app.example/cb?x=1"),
        ("https://app.example/cb", "https://app.example/cb#x"),
        ("https://127.0.0.1/cb", "https://127.0.0.1:99/cb"),
        (LOOPBACK, "http://localhost:9/callback"),
        (LOOPBACK, "http://[::1]:9/callback"),
        (LOOPBACK, "http://127.0.0.1:9/callback/"),
        (LOOPBACK, "http://127.0.0.1:9/callback?x=1"),
        (LOOPBACK, "http://127.0.0.1:9/callback?"),
        (LOOPBACK, "http://127.0.0.1:9/callback#"),
        (LOOPBACK, "http://127.0.0.1:9/callback#x"),
        (LOOPBACK, "http://127.0.0.1:9@evil.example/callback"),
        (LOOPBACK, "http://x@127.0.0.1:9/callback"),
        (LOOPBACK, "http://127.0.0.1:99999/callback"),
        (LOOPBACK, "https://127.0.0.1:9/callback"),
        (LOOPBACK, "HTTP://127.0.0.1:9/callback"),
        (LOOPBACK, "http://127.0.0.1.evil.example:9/callback"),
        ("http://localhost/cb", "http://LOCALHOST:9/cb"),
        ("http://app.example/cb", "http://app.example:9/cb"),
        ("cursor://host/cb", "cursor://host:1/cb"),
        (LOOPBACK, ""),
        (LOOPBACK, "http://[::1/callback"),
    ],
)
def test_redirects_that_do_not_match(registered, presented):
    assert not uris.redirect_matches(registered, presented)


@given(st.text(max_size=60))
def test_arbitrary_text_never_matches_a_loopback_redirect_and_never_fails(text):
    assert not uris.redirect_matches(LOOPBACK, text)
    uris.check_redirect_uri(text, private_schemes=())
    uris.fold_resource(text)
    uris.origin(text)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb", "https://app.example", "https://app.example:8443/cb?x=1",
        "http://localhost:3000/cb", "http://127.0.0.1/cb", "http://[::1]:9/cb",
        "cursor://anysphere.cursor-retrieval/oauth/callback", "vscode:/callback",
    ],
)  # fmt: skip
def test_redirect_uris_that_may_be_registered(uri):
    assert uris.check_redirect_uri(uri, private_schemes=("cursor", "vscode")) is None


@pytest.mark.parametrize(
    "uri",
    [
        "", "app.example/cb", "//app.example/cb", "https:///cb", "https:", "HTTPS://app.example/cb",
        "http://app.example/cb", "http://10.0.0.1/cb", "http://127.0.0.1.nip.io/cb",
        "http://localhost.evil.example/cb", "http://127.0.0.1@evil.example/cb",
        "https://user:pw@app.example/cb", "https://app.example/cb#frag", "https://app.example/cb#",
        "https://*.app.example/cb", "https://app.example/a/../b", "https://app.example/./b",
        "https://app.example/c b", "https://app.example/\n", "https://app.example\\@evil/cb",
        "https://app.example:99999/cb", "https://app.example:/cb", "https://app.example:0/cb",
        "https://app.éxample/cb", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd",
        "com.example.app:/cb", "vscode:", "https://[::1/cb", "https://" + "a" * 2050,
    ],
)  # fmt: skip
def test_redirect_uris_that_are_refused(uri):
    problem = uris.check_redirect_uri(uri, private_schemes=("cursor", "vscode"))

    assert problem
    assert problem.isascii()


def test_dangerous_schemes_are_refused_even_when_listed():
    assert uris.check_redirect_uri("javascript:x", private_schemes=("javascript",))


@pytest.mark.spec("RFC 3986", "6.2.2.1", "SHOULD", "scheme and host are compared without case")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("https://mcp.example.com/mcp", "HTTPS://MCP.Example.COM:443/mcp/"),
        ("http://mcp.example.com", "http://mcp.example.com:80/"),
        ("https://[2001:DB8::1]/x", "https://[2001:db8::1]:443/x/"),
    ],
)
def test_spellings_of_one_resource_fold_together(left, right):
    assert uris.fold_resource(left) == uris.fold_resource(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("https://mcp.example.com/mcp", "https://mcp.example.com/MCP"),
        ("https://mcp.example.com/mcp", "https://mcp.example.com/mcp//"),
        ("https://mcp.example.com/mcp", "http://mcp.example.com/mcp"),
        ("https://mcp.example.com/mcp", "https://mcp.example.com:8443/mcp"),
        ("https://mcp.example.com/mcp", "https://mcp.example.com/mcp?x"),
        ("https://mcp.example.com/a%2Fb", "https://mcp.example.com/a/b"),
    ],
)
def test_different_resources_stay_different(left, right):
    assert uris.fold_resource(left) != uris.fold_resource(right)


def test_folding_is_stable():
    folded = uris.fold_resource("HTTPS://User@Host.Example:443/p/?q=1")

    assert uris.fold_resource(folded) == folded == "https://User@host.example/p/?q=1"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://App.Example:443/cb", "https://app.example"),
        ("http://localhost:3000/cb", "http://localhost:3000"),
        ("http://[::1]:9/cb", "http://[::1]:9"),
        ("cursor://host/cb", ""),
        ("https://x:99999/", ""),
        ("nonsense", ""),
    ],
)
def test_origins(uri, expected):
    assert uris.origin(uri) == expected


@pytest.mark.spec("RFC 6749", "3.1.2", "MUST", "the query of a redirect URI is retained")
@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://a/cb", "https://a/cb?code=1&iss=https%3A%2F%2Fx"),
        ("https://a/cb?x=%20y", "https://a/cb?x=%20y&code=1&iss=https%3A%2F%2Fx"),
        ("https://a/cb?", "https://a/cb?code=1&iss=https%3A%2F%2Fx"),
        ("https://a/cb#f", "https://a/cb?code=1&iss=https%3A%2F%2Fx#f"),
        ("vscode:/cb", "vscode:/cb?code=1&iss=https%3A%2F%2Fx"),
    ],
)
def test_parameters_are_added_to_the_query_that_is_there(uri, expected):
    assert uris.add_query(uri, [("code", "1"), ("iss", "https://x")]) == expected


def test_nothing_to_add_changes_nothing():
    assert uris.add_query("https://a/cb", []) == "https://a/cb"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]"])
def test_loopback_hosts(host):
    assert uris.is_loopback_host(host)


@pytest.mark.parametrize("host", ["", "127.0.0.2", "localhost.", "example.com", "10.0.0.1"])
def test_hosts_that_are_not_loopback(host):
    assert not uris.is_loopback_host(host)
