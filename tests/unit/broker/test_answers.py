"""What services answer, read without trusting any of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.upstream.answers import KNOWN_ERRORS, BadAnswer, error_code, members_of, read_answer

GOOD = {"access_token": "at", "refresh_token": "rt", "expires_in": 3600, "scope": "read write"}
SLACK = {
    "ok": True,
    "access_token": "xoxb-of-the-bot",
    "token_type": "bot",
    "authed_user": {
        "id": "U1", "access_token": "xoxp-of-the-person", "token_type": "user",
        "scope": "chat:write,channels:read",
    },
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
NAMES = ["access_token", "refresh_token", "expires_in", "scope", "token_type", "authed_user", "ok"]


def test_a_standard_answer():
    answer = read_answer(GOOD)

    assert ("at", "rt", 3600, ("read", "write"), "Bearer") == (
        answer.access_token, answer.refresh_token, answer.expires_in, answer.scopes,
        answer.token_type,
    )  # fmt: skip


def test_a_form_is_read_like_json():
    members = members_of(
        b"access_token=gho_1&scope=repo%2Cgist&token_type=bearer", None, response_format="form"
    )

    answer = read_answer(members, response_format="form", separator=",")

    assert ("gho_1", ("repo", "gist"), None) == (
        answer.access_token, answer.scopes, answer.expires_in,
    )  # fmt: skip


def test_a_form_is_not_read_where_json_is_expected():
    assert members_of(b"access_token=x", None, response_format="standard") == {}


def test_slack_gives_the_person_s_token_and_never_the_bot_s():
    answer = read_answer(SLACK, response_format="slack", separator=",")

    assert ("xoxp-of-the-person", ("chat:write", "channels:read"), "Bearer", "U1") == (
        answer.access_token, answer.scopes, answer.token_type, answer.account,
    )  # fmt: skip
    with pytest.raises(BadAnswer):
        read_answer(SLACK | {"authed_user": {"id": "U1"}}, response_format="slack")


def test_slack_s_refresh_answers_flat():
    flat = {"ok": True, "access_token": "xoxe.xoxp-2", "refresh_token": "r", "token_type": "user"}

    assert read_answer(flat, response_format="slack").access_token == "xoxe.xoxp-2"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"error": "invalid_grant"}, "invalid_grant"),
        ({"error": "bad_refresh_token"}, "invalid_grant"),
        ({"ok": False, "error": "token_revoked"}, "invalid_grant"),
        ({"ok": False}, "other"),
        ({"error": "<script>a secret of theirs</script>"}, "other"),
        ({"error": {"message": "x"}}, "other"),
        ({"error": "invalid_client"}, "invalid_client"),
        (GOOD, None),
        ({}, None),
    ],
)
def test_errors_are_from_a_closed_list(members, code):
    assert error_code(members) == code


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (3600, 3600), ("3600", 3600), (3600.9, 3600), (0, None), (-5, None), (True, None),
        ("soon", None), (None, None), (10**30, None), (float("nan"), None), (float("inf"), None),
    ],
)  # fmt: skip
def test_a_lifetime_is_whole_seconds_or_nothing(said, understood):
    assert read_answer(GOOD | {"expires_in": said}).expires_in == understood


@pytest.mark.parametrize(
    "token", [7, ["x"], "two words", "line\r\nX-Injected: 1", "é", "x" * 20_000]
)
def test_what_no_header_can_carry_is_no_token(token):
    with pytest.raises(BadAnswer):
        read_answer(GOOD | {"access_token": token})
    with pytest.raises(BadAnswer):
        read_answer(GOOD | {"refresh_token": token})


@pytest.mark.parametrize("scope", [None, "", "   ", 5, {}, []])
def test_scopes_that_are_not_told_are_none(scope):
    assert read_answer(GOOD | {"scope": scope}).scopes is None


@given(
    st.dictionaries(st.sampled_from([*NAMES, "error"]), JSON),
    st.sampled_from(["standard", "form", "slack"]),
)
def test_whatever_comes_is_an_answer_or_refused(members, shape):
    code = error_code(members)
    assert code is None or code == "other" or code in KNOWN_ERRORS
    try:
        answer = read_answer(members, response_format=shape)
    except BadAnswer:
        return
    assert answer.access_token.isascii()
    assert answer.expires_in is None or answer.expires_in > 0
    assert answer.scopes is None or all(answer.scopes)


@given(st.binary())
def test_any_body_has_members_or_none(body):
    assert isinstance(members_of(body, None, response_format="form"), dict)


def test_tokens_do_not_show_in_texts():
    answer = read_answer(GOOD | {"access_token": "secret-at", "refresh_token": "secret-rt"})

    assert "secret" not in repr(answer)
    assert json.dumps(str(answer)).find("secret") == -1
