"""Where browsers are sent to allow something at another service."""

from __future__ import annotations

from urllib.parse import parse_qs, parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from broker.upstream.authorize_url import authorize_url

OURS = {
    "client_id": "c",
    "redirect_uri": "https://as.example/cb",
    "state": "the-state",
    "challenge": "the-challenge",
}


def query_of(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_everything_that_binds_the_answer_is_there():
    url = authorize_url("https://up.example/authorize", **OURS, scopes=("a", "b", "a"))

    assert query_of(url) == {
        "response_type": "code",
        "client_id": "c",
        "redirect_uri": "https://as.example/cb",
        "state": "the-state",
        "code_challenge": "the-challenge",
        "code_challenge_method": "S256",
        "scope": "a b",
    }


def test_a_query_of_the_endpoint_s_own_is_kept():
    url = authorize_url("https://up.example/authorize?tenant=t&empty=", **OURS)

    assert ("tenant", "t") in parse_qsl(urlsplit(url).query)
    assert ("empty", "") in parse_qsl(urlsplit(url).query, keep_blank_values=True)


def test_scopes_go_where_and_how_the_service_wants_them():
    url = authorize_url(
        "https://up.example/a", **OURS, scopes=("x", "y"),
        scope_parameter="user_scope", scope_separator=",",
    )  # fmt: skip

    assert query_of(url)["user_scope"] == "x,y"
    assert "scope" not in query_of(url)


def test_without_a_challenge_no_pkce_is_asked_for():
    url = authorize_url("https://up.example/a", **OURS | {"challenge": ""})

    assert not {"code_challenge", "code_challenge_method"} & set(query_of(url))


@given(st.dictionaries(st.text(min_size=1), st.text()), st.text())
def test_neither_extras_nor_the_endpoint_replace_what_is_ours(extra, state):
    hostile = {
        "state": "theirs", "redirect_uri": "https://evil.example", "client_secret": "s",
        "code_challenge_method": "plain", "prompt": "consent",
    }  # fmt: skip
    url = authorize_url(
        "https://up.example/a?state=theirs&client_id=evil",
        **OURS | {"state": "s" + state},
        extra=extra | hostile,
    )

    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    told = dict(pairs)
    assert len(pairs) == len(told)
    assert ("s" + state, "c", OURS["redirect_uri"], "S256", "consent") == (
        told["state"], told["client_id"], told["redirect_uri"], told["code_challenge_method"],
        told["prompt"],
    )  # fmt: skip
    assert "client_secret" not in told
