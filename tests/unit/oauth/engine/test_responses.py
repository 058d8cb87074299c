"""The one renderer of refusals."""

from __future__ import annotations

import json

import pytest
from django.test import RequestFactory
from oauthlib.oauth2.rfc6749 import errors

from oauth.engine.responses import private_reason, render_refusal, render_success
from oauth.errors import WIRE, OAuthError, Reason


def rendered(refusal, **options):
    answer = render_refusal(RequestFactory().post("/oauth/token"), refusal, **options)
    return answer, json.loads(answer.content)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_becomes_its_wire_code(reason):
    answer, body = rendered(OAuthError(reason))
    wire = WIRE[reason]

    assert (answer.status_code, body["error"], body["error_description"]) == (
        wire.status,
        wire.error,
        wire.description,
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) == (wire.error == "invalid_client")


def test_further_members_and_headers_come_along():
    refusal = OAuthError(
        Reason.CONSENT_REQUIRED, extra={"consent_url": "https://x", "cause": None},
        headers={"Retry-After": "1"},
    )  # fmt: skip

    answer, body = rendered(refusal, headers={"Allow": "POST"})

    assert body["consent_url"] == "https://x"
    assert "cause" not in body
    assert (answer.headers["Retry-After"], answer.headers["Allow"]) == ("1", "POST")


def test_errors_of_oauthlib_are_rendered_like_our_own():
    answer, body = rendered(errors.InvalidClientError())

    assert (answer.status_code, body["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert private_reason(errors.InvalidClientError()) == "invalid_client"
    assert private_reason(OAuthError(Reason.CODE_EXPIRED)) == "code_expired"


def test_a_success_is_not_stored():
    answer = render_success({"a": 1})

    assert (answer.content, answer.headers["Cache-Control"]) == (b'{"a":1}', "no-store")
