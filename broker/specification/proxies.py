"""OAuth proxies: issuers of their own in front of upstream services."""

from __future__ import annotations

from typing import Any, Final

from authplane.core.openapi.document import empty_answer, json_answer
from authplane.core.openapi.operations import form, in_path, json_body, operation
from authplane.core.openapi.shapes import EPOCH, TEXT, Schema, many, maybe, named, open_members
from oauth.specification.authorization import CALLER_IS_WRONG, PAGE, PARAMETERS, REDIRECT
from oauth.specification.schemes import CLIENT, SESSION

TAG: Final = "oauth-proxies"
ROOT: Final = "/api/v1/oauth-proxy/{proxy_id}"
PROXY_ID: Final = in_path("proxy_id", {"type": "integer", "minimum": 1})
SCHEMAS: Final[dict[str, Schema]] = {
    "ProxyClient": open_members(
        {
            "client_id": TEXT,
            "client_id_issued_at": EPOCH,
            "redirect_uris": maybe(many(TEXT)),
            "token_endpoint_auth_method": TEXT,
            "grant_types": many(TEXT),
            "response_types": many(TEXT),
            "authorization_url": TEXT,
            "token_url": TEXT,
        },
        {
            "client_name": TEXT,
            "client_secret": TEXT,
            "client_secret_expires_at": EPOCH,
            "scope": TEXT,
        },
    )
}
_BY_CLIENTS: Final = (400, 401, 403, 404, 413, 503)


def _by_client(name: str, summary: str, body: str, answers: Schema, **options: Any) -> Schema:
    return {
        "parameters": [PROXY_ID],
        "post": operation(
            name, summary, tag=TAG, security=CLIENT, answers=answers, refused=_BY_CLIENTS,
            body=form(named(body)), about="As of this server, for clients of the proxy alone.",
            **options,
        ),
    }  # fmt: skip


PATHS: Final[dict[str, Any]] = {
    f"{ROOT}/authorize": {
        "parameters": [PROXY_ID],
        "get": operation(
            "proxy_authorize",
            "A person is asked, and then sent on to the upstream service.",
            tag=TAG,
            security=(SESSION,),
            anonymous=True,
            parameters=PARAMETERS,
            answers={
                "200": PAGE,
                "302": REDIRECT,
                "303": REDIRECT,
                "400": CALLER_IS_WRONG,
                "404": PAGE,
            },
        ),
    },
    f"{ROOT}/register": {
        "parameters": [PROXY_ID],
        "post": operation(
            "proxy_register",
            "A client registers itself at the proxy.",
            tag=TAG,
            body=json_body(named("ClientMetadata")),
            answers={"201": json_answer(named("ProxyClient"), "The new client.")},
            refused=(400, 404, 413, 503),
        ),
    },
    f"{ROOT}/token": _by_client(
        "proxy_token",
        "Tokens of the proxy.",
        "TokenRequest",
        {"200": json_answer(named("TokenResponse"), "Tokens.")},
    ),
    f"{ROOT}/revoke": _by_client(
        "proxy_revoke",
        "A token of the proxy ends.",
        "TokenReference",
        {"200": empty_answer("Whether or not there was something to end.")},
        anonymous=True,
    ),
    f"{ROOT}/introspect": _by_client(
        "proxy_introspect",
        "Whether a token of the proxy counts.",
        "TokenReference",
        {"200": json_answer(named("Introspection"), "What the caller may know of it.")},
    ),
    f"{ROOT}/jwks.json": {
        "parameters": [PROXY_ID],
        "get": operation(
            "proxy_keys",
            "The public keys, the same as this server's.",
            tag=TAG,
            answers={
                "200": json_answer(named("KeySet"), "Keys."),
                "304": empty_answer("The caller has it already."),
            },
            refused=(400, 404, 503),
        ),
    },
}
