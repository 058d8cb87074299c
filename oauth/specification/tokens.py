"""Tokens: how they are got, ended, asked about, and what they tell of their user."""

from __future__ import annotations

from typing import Any, Final

from authplane.core.openapi.document import empty_answer, json_answer
from authplane.core.openapi.operations import again, form, in_header, operation
from authplane.core.openapi.shapes import (
    ANY_OBJECT,
    EPOCH,
    FLAG,
    SECONDS,
    TEXT,
    Schema,
    many,
    members,
    named,
    one_of,
    open_members,
    said,
)
from oauth.grants import GRANTS
from oauth.specification.schemes import ACCESS_TOKEN, BOUND_TOKEN, CLIENT

TAG: Final = "tokens"
PROOF: Final = in_header("DPoP", TEXT, "A proof of possession (RFC 9449 section 4).")
CREDENTIALS: Final[dict[str, Schema]] = {
    "client_id": TEXT,
    "client_secret": TEXT,
    "client_assertion": TEXT,
    "client_assertion_type": TEXT,
}
REQUEST: Final = open_members(
    {"grant_type": {**TEXT, "examples": list(GRANTS)}},
    {
        "code": said(TEXT, "authorization_code"),
        "redirect_uri": said(TEXT, "authorization_code"),
        "code_verifier": said(TEXT, "authorization_code: of the PKCE challenge (S256)"),
        "refresh_token": said(TEXT, "refresh_token"),
        "assertion": said(TEXT, "jwt-bearer"),
        "subject_token": said(TEXT, "token-exchange"),
        "subject_token_type": said(TEXT, "token-exchange"),
        "actor_token": said(TEXT, "token-exchange"),
        "actor_token_type": said(TEXT, "token-exchange"),
        "requested_token_type": said(TEXT, "token-exchange"),
        "audience": said(TEXT, "An alias of `resource`."),
        "resource": said(TEXT, "What the token is for (RFC 8707)."),
        "scope": said(TEXT, "Names with spaces between."),
        **CREDENTIALS,
    },
    about="The parameters of one grant, and the client's credentials.",
)
RESPONSE: Final = members(
    {"access_token": TEXT, "token_type": TEXT},
    {
        "expires_in": SECONDS,
        "scope": TEXT,
        "refresh_token": TEXT,
        "issued_token_type": TEXT,
        "state": TEXT,
    },
)
INTROSPECTED: Final = open_members(
    {"active": FLAG},
    {
        "scope": TEXT,
        "client_id": TEXT,
        "sub": TEXT,
        "username": TEXT,
        "aud": TEXT,
        "iss": TEXT,
        "exp": EPOCH,
        "iat": EPOCH,
        "nbf": EPOCH,
        "jti": TEXT,
        "token_type": TEXT,
        "cnf": ANY_OBJECT,
        "act": ANY_OBJECT,
        "agent_id": TEXT,
        "agent_chain": many({}),
    },
    about="Of a token that is not active, or not the caller's to know about, `active` alone.",
)
SCHEMAS: Final[dict[str, Schema]] = {
    "TokenRequest": REQUEST,
    "TokenResponse": RESPONSE,
    "TokenReference": open_members({"token": TEXT}, {"token_type_hint": TEXT, **CREDENTIALS}),
    "Introspection": INTROSPECTED,
    "UserInfo": members({"sub": TEXT}, {"email": TEXT}),
    "Pushed": members({"request_uri": TEXT, "expires_in": SECONDS}),
    "AuthorizationRequest": open_members(
        {},
        {
            "response_type": one_of("code"),
            "redirect_uri": TEXT,
            "code_challenge": TEXT,
            "code_challenge_method": one_of("S256"),
            "scope": TEXT,
            "state": TEXT,
            "resource": TEXT,
            "request": said(TEXT, "A signed request object (RFC 9101)."),
            **CREDENTIALS,
        },
    ),
}
BY_CLIENTS: Final = (400, 401, 403, 413, 503)

TOKEN: Final[dict[str, Any]] = {
    "post": operation(
        "token",
        "Tokens for a grant. A refusal spends nothing.",
        tag=TAG,
        security=CLIENT,
        parameters=[PROOF],
        body=form(
            named("TokenRequest"),
            json_too=True,
            example={
                "grant_type": "client_credentials",
                "client_id": "calendar-agent",
                "client_secret": "the secret",
                "resource": "https://calendar.example.com/mcp",
            },
        ),
        answers={
            "200": json_answer(
                named("TokenResponse"),
                "Tokens.",
                example={
                    "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9.e30.c2ln",
                    "token_type": "Bearer",
                    "expires_in": 900,
                    "scope": "calendar.read",
                },
            )
        },
        refused=(*BY_CLIENTS, 500),
        about="RFC 6749 section 3.2, RFC 8693, RFC 7523. JSON is read at `/token` alone.",
    )
}
INTROSPECT: Final[dict[str, Any]] = {
    "post": operation(
        "introspect",
        "Whether a token counts, for confidential clients.",
        tag=TAG,
        security=CLIENT,
        body=form(named("TokenReference"), json_too=True),
        answers={"200": json_answer(named("Introspection"), "What the caller may know of it.")},
        refused=BY_CLIENTS,
        about="RFC 7662.",
    )
}
REVOKE: Final[dict[str, Any]] = {
    "post": operation(
        "revoke",
        "A token ends. Whoever holds it and sends no credentials may end it as well.",
        tag=TAG,
        security=CLIENT,
        anonymous=True,
        body=form(named("TokenReference"), json_too=True),
        answers={"200": empty_answer("Whether or not there was something to end.")},
        refused=BY_CLIENTS,
        about="RFC 7009.",
    )
}
USERINFO: Final[dict[str, Any]] = {
    method: operation(
        f"userinfo_{method}",
        "Who the token is about.",
        tag=TAG,
        security=(ACCESS_TOKEN, BOUND_TOKEN),
        parameters=[PROOF],
        answers={"200": json_answer(named("UserInfo"), "`sub`, and `email` where allowed.")},
        refused=(400, 401, 403, 413, 503),
        about="OpenID Connect Core 1.0 section 5.3.",
    )
    for method in ("get", "post")
}
PAR: Final[dict[str, Any]] = {
    "post": operation(
        "push",
        "An authorization request is left here before the user is sent.",
        tag="authorization",
        security=CLIENT,
        parameters=[PROOF],
        body=form(named("AuthorizationRequest")),
        answers={"201": json_answer(named("Pushed"), "The reference, good once.")},
        refused=BY_CLIENTS,
        about="RFC 9126.",
    )
}

PATHS: Final[dict[str, Any]] = {
    "/oauth/token": TOKEN,
    "/token": again(TOKEN, of="/oauth/token"),
    "/oauth/introspect": INTROSPECT,
    "/introspect": again(INTROSPECT, of="/oauth/introspect"),
    "/oauth/revoke": REVOKE,
    "/revoke": again(REVOKE, of="/oauth/revoke"),
    "/oauth/userinfo": USERINFO,
    "/userinfo": again(USERINFO, of="/oauth/userinfo"),
    "/oauth/par": PAR,
}
