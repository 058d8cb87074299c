"""What a request offers as proof of its client, read without believing it."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.clients.authentication import (
    ASSERTION_TYPE,
    Presented,
    presents_nothing,
    read_presented,
)
from oauth.errors import OAuthError, Reason

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
NAMES = ["client_id", "client_secret", "client_assertion", "client_assertion_type"]


def basic(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


@given(text, text)
def test_basic_carries_any_text(client_id, secret):
    presented = read_presented({}, authorization=basic(client_id, secret))

    assert presented == Presented("client_secret_basic", client_id, secret=secret)


@given(text, text)
def test_the_body_carries_any_text(client_id, secret):
    form = {"client_id": client_id, "client_secret": secret}

    assert read_presented(form, authorization="") == Presented(
        "client_secret_post", client_id, secret=secret
    )


@given(
    st.dictionaries(st.sampled_from(NAMES), text),
    st.one_of(st.just(""), st.text(max_size=40), st.builds(basic, text, text)),
)
def test_at_most_one_method_comes_out_and_nothing_but_a_refusal_is_raised(form, authorization):
    ways = [
        bool(authorization),
        "client_secret" in form,
        "client_assertion" in form or "client_assertion_type" in form,
    ]
    try:
        presented = read_presented(form, authorization=authorization)
    except OAuthError:
        return
    assert sum(ways) <= 1
    assert presented.unverified_client_id
    if "client_id" in form:
        assert presented.unverified_client_id == form["client_id"]


@pytest.mark.parametrize(
    ("form", "authorization", "reason"),
    [
        ({}, "", Reason.CLIENT_ID_MISSING),
        ({"client_secret": "s"}, "", Reason.CLIENT_ID_MISSING),
        ({}, "Bearer x", Reason.CLIENT_METHOD_WRONG),
        ({}, "Basic x", Reason.CLIENT_BASIC_MALFORMED),
        ({}, "Basic " + base64.b64encode(b"a").decode(), Reason.CLIENT_BASIC_MALFORMED),
        ({"client_id": "b"}, basic("a", "s"), Reason.CLIENT_METHODS_MIXED),
        ({"client_secret": "s"}, basic("a", "s"), Reason.CLIENT_METHODS_MIXED),
        ({"client_assertion": "x"}, "", Reason.CLIENT_ASSERTION_INVALID),
        ({"client_assertion_type": ASSERTION_TYPE}, "", Reason.CLIENT_ASSERTION_INVALID),
    ],
)
def test_each_defect_has_its_reason(form, authorization, reason):
    with pytest.raises(OAuthError) as refused:
        read_presented(form, authorization=authorization)

    assert refused.value.reason is reason


@given(
    st.dictionaries(st.sampled_from([*NAMES, "token", "scope"]), text), st.sampled_from(["", "x"])
)
def test_presenting_nothing_means_no_name_at_all(form, authorization):
    named = bool(authorization) or bool(form.keys() & set(NAMES))

    assert presents_nothing(form, authorization=authorization) == (not named)
