"""Clients that register themselves."""

from __future__ import annotations

from typing import Any, Final

from authplane.core.openapi.document import empty_answer, json_answer
from authplane.core.openapi.operations import again, in_path, json_body, operation
from authplane.core.openapi.shapes import (
    ANY_OBJECT,
    EPOCH,
    FLAG,
    TEXT,
    Schema,
    many,
    maybe,
    named,
    open_members,
    said,
)
from oauth.clients.certificate_subjects import SUBJECT_MEMBERS
from oauth.registration.security import SWITCH_MEMBERS
from oauth.specification.schemes import REGISTRATION

TAG: Final = "registration"
METADATA: Final[dict[str, Schema]] = {
    "client_name": TEXT,
    "redirect_uris": maybe(many(TEXT)),
    "grant_types": many(TEXT),
    "response_types": many(TEXT),
    "token_endpoint_auth_method": TEXT,
    "token_endpoint_auth_signing_alg": TEXT,
    "application_type": TEXT,
    "scope": TEXT,
    "jwks": ANY_OBJECT,
    "jwks_uri": TEXT,
    "software_id": TEXT,
    "software_version": TEXT,
    "client_uri": TEXT,
    "logo_uri": TEXT,
    "tos_uri": TEXT,
    "policy_uri": TEXT,
    "agent": FLAG,
    "agent_description": TEXT,
    "request_object_signing_alg": TEXT,
    **dict.fromkeys(SWITCH_MEMBERS, FLAG),
    **dict.fromkeys(SUBJECT_MEMBERS, TEXT),
}
SCHEMAS: Final[dict[str, Schema]] = {
    "ClientMetadata": open_members({}, METADATA, about="Members that are not known are ignored."),
    "RegisteredClient": open_members(
        {
            "client_id": TEXT,
            "client_id_issued_at": EPOCH,
            "registration_access_token": TEXT,
            "registration_client_uri": TEXT,
            "redirect_uris": maybe(many(TEXT)),
            "grant_types": many(TEXT),
            "response_types": many(TEXT),
            "token_endpoint_auth_method": TEXT,
        },
        {
            "client_secret": said(TEXT, "In the answer that made it, and never again."),
            "client_secret_expires_at": said(EPOCH, "0: never."),
            **METADATA,
        },
    ),
}
ONE: Final = json_answer(named("RegisteredClient"), "The client.")
EXAMPLE: Final[Schema] = {
    "client_name": "Desktop agent",
    "redirect_uris": ["http://127.0.0.1/callback"],
    "token_endpoint_auth_method": "none",
}
REGISTER: Final[dict[str, Any]] = {
    "post": operation(
        "register",
        "A client registers itself, where that is allowed.",
        tag=TAG,
        body=json_body(named("ClientMetadata"), example=EXAMPLE),
        answers={"201": json_answer(named("RegisteredClient"), "The new client.")},
        refused=(400, 403, 413, 503),
        about="RFC 7591.",
    )
}
MANAGE: Final[dict[str, Any]] = {
    "parameters": [in_path("client_id")],
    "get": operation(
        "registration_read",
        "The client as it is registered.",
        tag=TAG,
        security=(REGISTRATION,),
        answers={"200": ONE},
        refused=(400, 401, 403, 404, 413, 503),
    ),
    "put": operation(
        "registration_replace",
        "The client is what the body says.",
        tag=TAG,
        security=(REGISTRATION,),
        body=json_body(named("ClientMetadata"), example=EXAMPLE),
        answers={"200": ONE},
        refused=(400, 401, 403, 404, 413, 503),
    ),
    "delete": operation(
        "registration_remove",
        "The client is gone.",
        tag=TAG,
        security=(REGISTRATION,),
        answers={"204": empty_answer("Done.")},
        refused=(400, 401, 403, 404, 413, 503),
    ),
}
PATHS: Final[dict[str, Any]] = {
    "/oauth/register": REGISTER,
    "/register": again(REGISTER, of="/oauth/register"),
    "/oauth/register/{client_id}": MANAGE,
    "/register/{client_id}": {
        "parameters": MANAGE["parameters"],
        **again(
            {name: MANAGE[name] for name in ("get", "put", "delete")},
            of="/oauth/register/{client_id}",
        ),
    },
}
