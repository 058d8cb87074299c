"""Documents by which clients and resources find their way."""

from __future__ import annotations

from typing import Any, Final

from authplane.core.openapi.document import empty_answer, json_answer
from authplane.core.openapi.operations import in_header, in_path, in_query, operation
from authplane.core.openapi.shapes import FLAG, TEXT, Schema, many, named, open_members

TAG: Final = "discovery"
PROXY: Final = in_query(
    "proxy_id", {"type": "integer", "minimum": 1}, "The document of this OAuth proxy instead."
)
KNOWN: Final = in_header("If-None-Match", TEXT, "The entity tag of what the caller has.")
SCHEMAS: Final[dict[str, Schema]] = {
    "ServerMetadata": open_members(
        {
            "issuer": TEXT,
            "authorization_endpoint": TEXT,
            "token_endpoint": TEXT,
            "jwks_uri": TEXT,
            "response_types_supported": many(TEXT),
        },
        {
            "registration_endpoint": TEXT,
            "revocation_endpoint": TEXT,
            "introspection_endpoint": TEXT,
            "userinfo_endpoint": TEXT,
            "pushed_authorization_request_endpoint": TEXT,
            "grant_types_supported": many(TEXT),
            "scopes_supported": many(TEXT),
            "code_challenge_methods_supported": many(TEXT),
            "client_id_metadata_document_supported": FLAG,
            "authorization_response_iss_parameter_supported": FLAG,
        },
        about="RFC 8414 section 2. A member is absent rather than empty.",
    ),
    "ResourceMetadata": open_members(
        {"resource": TEXT, "authorization_servers": many(TEXT)},
        {
            "scopes_supported": many(TEXT),
            "bearer_methods_supported": many(TEXT),
            "resource_name": TEXT,
            "dpop_bound_access_tokens_required": FLAG,
        },
        about="RFC 9728 section 2.",
    ),
    "KeySet": open_members(
        {"keys": many(open_members({"kty": TEXT}, {"kid": TEXT, "alg": TEXT, "use": TEXT}))},
        about="RFC 7517 section 5.",
    ),
}


def _read(
    name: str, summary: str, schema: str, *parameters: Schema, about: str, absent: bool = True
) -> dict[str, Any]:
    answers = {
        "200": json_answer(named(schema), summary),
        "304": empty_answer("The caller has it already."),
    }
    refused = (404, 503) if absent else (503,)
    return {
        "get": operation(
            name, summary, tag=TAG, answers=answers, refused=refused,
            parameters=[*parameters, KNOWN], about=about,
        )
    }  # fmt: skip


_TAIL: Final = in_path("tail", TEXT, "The path of the issuer, without its first slash.")
_REFERENCE: Final = in_path("reference", TEXT, "The path of the resource's URI, or its slug.")
_SERVER: Final = "The authorization server."
_RESOURCE: Final = "A resource whose tokens are made here."
_KEYS: Final = "The public keys that tokens are signed with."
_PLACES: Final = (
    ("/.well-known/oauth-authorization-server", "server", "RFC 8414 section 3."),
    ("/.well-known/openid-configuration", "openid", "OpenID Connect Discovery 1.0 section 4."),
)

PATHS: Final[dict[str, Any]] = {
    **{
        path: _read(f"{name}_metadata", _SERVER, "ServerMetadata", PROXY, about=about)
        for path, name, about in _PLACES
    },
    **{
        f"{path}/{{tail}}": _read(
            f"{name}_metadata_of_path", _SERVER, "ServerMetadata", _TAIL, about=about
        )
        for path, name, about in _PLACES
    },
    "/{tail}/.well-known/openid-configuration": _read(
        "openid_metadata_appended", _SERVER, "ServerMetadata", _TAIL, about=_PLACES[1][2]
    ),
    "/.well-known/jwks.json": _read("keys", _KEYS, "KeySet", about="RFC 7517.", absent=False),
    "/{tail}/.well-known/jwks.json": _read("keys_there", _KEYS, "KeySet", _TAIL, about="RFC 7517."),
    "/.well-known/oauth-protected-resource": _read(
        "resource_metadata", _RESOURCE, "ResourceMetadata", PROXY, about="RFC 9728 section 3."
    ),
    "/.well-known/oauth-protected-resource/{reference}": _read(
        "resource_metadata_of", _RESOURCE, "ResourceMetadata", _REFERENCE, PROXY,
        about="RFC 9728 section 3.",
    ),
}  # fmt: skip
