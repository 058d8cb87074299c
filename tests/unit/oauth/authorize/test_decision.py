import itertools

import pytest

from oauth.authorize.decision import Step, asks_to_sign_in_again, next_step
from oauth.authorize.protocol import Wish
from oauth.errors import OAuthError, Reason

HTTPS = "https://app.example/cb"
LOOPBACK = "http://127.0.0.1:8765/cb"
PRIVATE = "cursor://anysphere.cursor/cb"


def wish(*prompts):
    return Wish(
        code_challenge="c",
        prompts=frozenset(prompts),
        max_age=None,
        login_hint="",
        dpop_jkt="",
        requested_resources=(),
        requested_scopes=(),
    )


@pytest.mark.parametrize(
    ("prompts", "sign_in", "consented", "redirect", "outcome"),
    [
        ((), True, True, HTTPS, Step.SIGN_IN),
        (("none",), True, True, HTTPS, Reason.LOGIN_REQUIRED),
        ((), False, True, HTTPS, Step.CODE),
        (("none",), False, True, HTTPS, Step.CODE),
        (("login",), False, True, HTTPS, Step.CODE),
        (("consent",), False, True, HTTPS, Step.CONSENT),
        ((), False, False, HTTPS, Step.CONSENT),
        (("none",), False, False, HTTPS, Reason.CONSENT_REQUIRED),
        ((), False, True, LOOPBACK, Step.CONSENT),
        (("none",), False, True, LOOPBACK, Reason.INTERACTION_REQUIRED),
        (("none",), False, False, LOOPBACK, Reason.CONSENT_REQUIRED),
        ((), False, True, PRIVATE, Step.CONSENT),
        (("none",), False, True, PRIVATE, Reason.INTERACTION_REQUIRED),
    ],
)
def test_the_next_step(prompts, sign_in, consented, redirect, outcome):
    arguments = {
        "must_sign_in": sign_in, "is_consented": consented, "redirect_uri": redirect,
    }  # fmt: skip
    if isinstance(outcome, Step):
        assert next_step(wish(*prompts), **arguments) is outcome
        return
    with pytest.raises(OAuthError) as refusal:
        next_step(wish(*prompts), **arguments)
    assert refusal.value.reason == outcome


def test_no_combination_answers_without_sign_in_or_without_consent():
    for prompt, consented, redirect in itertools.product(
        ["none", "login", "consent", "select_account"],
        [True, False],
        [HTTPS, LOOPBACK, PRIVATE],
    ):
        for sign_in in (True, False):
            try:
                step = next_step(
                    wish(prompt), must_sign_in=sign_in, is_consented=consented,
                    redirect_uri=redirect,
                )  # fmt: skip
            except OAuthError:
                continue
            if step is Step.CODE:
                assert not sign_in
                assert consented
                assert redirect == HTTPS


@pytest.mark.parametrize(
    ("prompt", "again"),
    [("login", True), ("select_account", True), ("consent", False), ("none", False)],
)
def test_who_is_asked_to_sign_in_again(prompt, again):
    assert asks_to_sign_in_again(wish(prompt)) is again
