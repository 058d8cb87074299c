"""Where people are sent by clients."""

from __future__ import annotations

from typing import Any, Final

from authplane.core.openapi.operations import again, in_query, operation
from authplane.core.openapi.shapes import TEXT, Schema, one_of
from oauth.specification.schemes import SESSION

PAGE: Final[Schema] = {"description": "A page.", "content": {"text/html": {"schema": TEXT}}}
REDIRECT: Final[Schema] = {
    "description": "To the client, to sign in, or to the consent page.",
    "headers": {"Location": {"schema": TEXT}},
}
CALLER_IS_WRONG: Final[Schema] = {
    "description": "A page that says what is wrong. The user is not sent to the client: neither "
    "client nor redirect URI can be trusted.",
    "content": {"text/html": {"schema": TEXT}},
}
WAITING: Final[Schema] = {
    "description": "A page: the client was switched off, or waits for an administrator.",
    "content": {"text/html": {"schema": TEXT}},
}
AWAY: Final[Schema] = {
    "description": "A page: something that the request needs does not answer; try again.",
    "content": {"text/html": {"schema": TEXT}},
}
PARAMETERS: Final = (
    in_query("response_type", one_of("code")),
    in_query("client_id", TEXT, "Registered, or the URL of a metadata document."),
    in_query("redirect_uri"),
    in_query("code_challenge", TEXT, "PKCE is required."),
    in_query("code_challenge_method", one_of("S256")),
    in_query("scope"),
    in_query("state"),
    in_query("resource", TEXT, "What the tokens are for (RFC 8707)."),
    in_query("prompt", TEXT, "`none`, `login` or `consent`."),
    in_query("max_age"),
    in_query("login_hint"),
    in_query("acr_values"),
    in_query("dpop_jkt", TEXT, "The key that the code will be bound to (RFC 9449 section 10)."),
    in_query("request", TEXT, "A signed request object (RFC 9101)."),
    in_query("request_uri", TEXT, "From the pushed authorization request endpoint (RFC 9126)."),
)
AUTHORIZE: Final[dict[str, Any]] = {
    "get": operation(
        "authorize",
        "A person is asked whether the client may act for them.",
        tag="authorization",
        security=(SESSION,),
        anonymous=True,
        parameters=PARAMETERS,
        answers={
            "302": REDIRECT,
            "303": REDIRECT,
            "200": PAGE,
            "400": CALLER_IS_WRONG,
            "403": WAITING,
            "503": AWAY,
        },
        about="RFC 6749 section 4.1, OAuth 2.1. Errors come to the redirect URI with `iss`.",
    )
}
PATHS: Final[dict[str, Any]] = {
    "/oauth/authorize": AUTHORIZE,
    "/authorize": again(AUTHORIZE, of="/oauth/authorize"),
}
