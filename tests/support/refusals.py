"""What a refusal looks like on the wire, complete: every test of one checks all of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

import httpx

BASIC_CHALLENGE = 'Basic realm="authserver"'


class Refusal(NamedTuple):
    """Status, code and constant description."""

    status: int
    error: str
    description: str


INVALID_CLIENT = Refusal(401, "invalid_client", "client authentication failed")
METHODS_MIXED = Refusal(400, "invalid_request", "use exactly one client authentication method")
PARAMETER_REPEATED = Refusal(400, "invalid_request", "a parameter is repeated")
USE_POST = Refusal(405, "invalid_request", "use POST")
TOO_LARGE = Refusal(413, "invalid_request", "the request body is too large")
NOT_UTF8 = Refusal(400, "invalid_request", "the request body is not valid UTF-8")
NOT_A_FORM = Refusal(400, "invalid_request", "the request body is not valid form encoding")
NUL_BYTE = Refusal(400, "invalid_request", "the request body holds a NUL byte")
WANTS_FORM = Refusal(
    400, "invalid_request", "the content type must be application/x-www-form-urlencoded"
)
GRANT_TYPE_MISSING = Refusal(400, "invalid_request", "grant_type is missing")
GRANT_TYPE_UNKNOWN = Refusal(400, "unsupported_grant_type", "this grant_type is not supported")
GRANT_TYPE_DISABLED = Refusal(
    400, "unsupported_grant_type", "this grant_type is switched off on this server"
)
GRANT_TYPE_NOT_ALLOWED = Refusal(
    400, "unauthorized_client", "client is not authorized for this grant type"
)
CODE_MISSING = Refusal(400, "invalid_request", "code is missing")
VERIFIER_MISSING = Refusal(400, "invalid_request", "code_verifier is missing")
VERIFIER_MALFORMED = Refusal(400, "invalid_request", "code_verifier is malformed")
VERIFIER_WRONG = Refusal(400, "invalid_grant", "PKCE verification failed")
REFRESH_MISSING = Refusal(400, "invalid_request", "refresh_token is missing")
TOKEN_MISSING = Refusal(400, "invalid_request", "token is missing")
INVALID_GRANT = Refusal(
    400, "invalid_grant", "the authorization grant is invalid, expired, or revoked"
)
INVALID_SCOPE = Refusal(400, "invalid_scope", "the requested scope is invalid or not allowed")
NO_CEILING = Refusal(400, "invalid_scope", "this client has no registered scopes for this grant")
INVALID_TARGET = Refusal(
    400, "invalid_target", "the requested resource is unknown or not available"
)
SEVERAL_TARGETS = Refusal(400, "invalid_target", "all resource values must name the same resource")
INVALID_PROOF = Refusal(400, "invalid_dpop_proof", "the DPoP proof is invalid")
USE_NONCE = Refusal(400, "use_dpop_nonce", "the DPoP proof must hold the nonce of this answer")
KEY_MISMATCH = Refusal(
    400, "invalid_grant", "the DPoP proof is not by the key that this grant is bound to"
)
PROOF_REQUIRED = Refusal(400, "invalid_dpop_proof", "this client must send a DPoP proof")
INVALID_TOKEN = Refusal(401, "invalid_token", "the access token is invalid or expired")
INSUFFICIENT_SCOPE = Refusal(403, "insufficient_scope", "the access token lacks a required scope")


def assert_refused(
    answer: httpx.Response, expected: Refusal, *, media_type: str = "application/json"
) -> None:
    """Status, the whole body, and every header that a refusal owes.

    Spec: RFC 6749 section 5.2; RFC 9457 section 3; RFC 9110 section 15.5.6.
    """
    assert answer.status_code == expected.status, answer.text
    issuer = "http://localhost:9000"
    assert answer.json() == {
        "error": expected.error,
        "error_description": expected.description,
        "type": f"{issuer}/docs/errors#{expected.error}",
        "title": HTTPStatus(expected.status).phrase,
        "detail": expected.description,
        "status": expected.status,
    }
    headers = answer.headers
    assert headers["content-type"] == media_type
    assert (headers["cache-control"], headers["pragma"]) == ("no-store", "no-cache")
    assert "Accept" in [name.strip() for name in headers["vary"].split(",")]
    assert "set-cookie" not in headers
    challenge = headers.get("www-authenticate", "")
    if expected.error == "invalid_client":
        assert challenge == BASIC_CHALLENGE
    elif expected.error in {"invalid_token", "insufficient_scope"}:
        assert challenge.startswith('Bearer realm="authserver"')
    elif expected.error == "use_dpop_nonce":
        assert challenge.startswith('DPoP error="use_dpop_nonce"')
        assert headers["dpop-nonce"]
    else:
        assert challenge == ""
    assert ("allow" in headers) == (expected.status == HTTPStatus.METHOD_NOT_ALLOWED)
