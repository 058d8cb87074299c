"""RFC 9449 section 4.3, check 9: which spellings of a URL are the same."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.dpop.address import is_same_address, normalised

HOSTS = st.from_regex(r"[a-z][a-z0-9]{0,9}(\.[a-z]{2,5})?", fullmatch=True)
SEGMENTS = st.lists(
    st.text("abcXYZ09-._~!$&'()*+,;=:@", min_size=1, max_size=8).filter(
        lambda segment: segment not in {".", ".."}
    ),
    max_size=4,
)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://AS.example.com", "https://as.example.com/"),
        ("HTTPS://as.example.com:443/token", "https://as.example.com/token"),
        ("http://as.example.com:80/token", "http://as.example.com/token"),
        ("https://as.example.com:8443/token?a=b#c", "https://as.example.com:8443/token"),
        ("https://[2001:DB8::1]:443/token", "https://[2001:db8::1]/token"),
        ("https://as.example.com/a/b/../c/./d", "https://as.example.com/a/c/d"),
        ("https://as.example.com/../token", "https://as.example.com/token"),
        ("https://as.example.com/a/..", "https://as.example.com/"),
        ("https://as.example.com/%7etoken/%2f", "https://as.example.com/~token/%2F"),
    ],
)
def test_a_url_has_one_spelling(written, normal):
    assert normalised(written) == normal


@pytest.mark.parametrize(
    "written",
    [
        "", "token", "/token", "//as.example.com/token", "ftp://as.example.com/token",
        "https://user@as.example.com/token", "https://as.example.com:x/token", "https:///token",
        "https://as.example.com/to ken", "https://as.example.com\\token", "https://\u00e4.example/",
        "https://as.example.com/\n",
    ],
)  # fmt: skip
def test_what_is_no_plain_http_url_has_none(written):
    assert normalised(written) is None
    assert not is_same_address(written, written)


@given(host=HOSTS, segments=SEGMENTS, query=st.text("abc=&", max_size=8), data=st.data())
def test_spelling_does_not_matter(host, segments, query, data):
    """Capitals, default ports, escapes, dots, queries: what is left is the same address."""
    path = "/" + "/".join(segments)
    plain = f"https://{host}{path}"
    spelled = "/" + "/".join(
        "".join(
            quote(letter, safe="") if data.draw(st.booleans()) and letter.isalnum() else letter
            for letter in segment
        )
        for segment in segments
    )
    other = f"HTTPS://{host.upper()}:443{spelled}"
    assert is_same_address(f"{other}?{query}", plain)
    assert normalised(normalised(plain) or "") == normalised(plain)


@given(host=HOSTS, one=SEGMENTS, two=SEGMENTS)
def test_different_paths_stay_different(host, one, two):
    first, second = f"https://{host}/{'/'.join(one)}", f"https://{host}/{'/'.join(two)}"
    assert is_same_address(first, second) == (one == two)
