"""People, and whose word about them counts."""

from __future__ import annotations

from typing import Final

from authplane.accounts.models import User
from authplane.core.openapi.shapes import (
    COUNT,
    FLAG,
    ID,
    MOMENT,
    TEXT,
    Schema,
    by_name,
    many,
    maybe,
    members,
    one_of,
    said,
)
from oauth.federation.rules import MAX_RULES
from oauth.models import WorkloadIssuer

TIMES: Final[dict[str, Schema]] = {"created_at": MOMENT, "updated_at": MOMENT}
TEXTS: Final = many(TEXT)
JWKS: Final[Schema] = {
    "type": "object",
    "description": "A JWK set (RFC 7517 section 5) of public keys.",
    "additionalProperties": True,
}
CLAIM: Final = {"anyOf": [{"type": ["string", "integer", "boolean"]}, {"type": "array"}]}
RULE: Final = members(
    {"subject": said(TEXT, "A pattern, in which * stands for any text."), "client_id": TEXT},
    {"claims": by_name(CLAIM), "single_use": FLAG},
    about="Which workloads are which client.",
)

SCHEMAS: Final[dict[str, Schema]] = {
    "Status": members({"status": TEXT}),
    "User": members(
        {
            "id": ID,
            "email": said(TEXT, "Empty without one."),
            "name": TEXT,
            "role": one_of(*User.Role.values),
            "status": one_of(*User.Status.values),
            "provider": said(TEXT, "`local`, or the identity provider that the user signs in at."),
            "created_at": MOMENT,
        }
    ),
    "IdentityProvider": members(
        {
            "id": ID,
            "slug": TEXT,
            "display_name": TEXT,
            "issuer": TEXT,
            "client_id": TEXT,
            "has_secret": FLAG,
            "secret_ref": TEXT,
            "token_endpoint_auth_method": TEXT,
            "scopes": TEXTS,
            "include_groups_scope": FLAG,
            "connector_id": TEXT,
            "allowed_domains": TEXTS,
            "groups_claim": TEXT,
            "role_map": by_name(TEXT),
            "enabled": FLAG,
            "from_settings": said(FLAG, "It comes from the configuration."),
            "redirect_uri": said(TEXT, "To be registered there."),
            "post_logout_redirect_uri": TEXT,
            "version": COUNT,
            **TIMES,
        }
    ),
    "Identity": members(
        {
            "id": ID,
            "provider": TEXT,
            "subject": TEXT,
            "user_id": ID,
            "groups": TEXTS,
            "role": one_of(*User.Role.values),
            "created_at": MOMENT,
            "last_seen_at": MOMENT,
        }
    ),
    "IdP": members(
        {
            "id": ID,
            "name": TEXT,
            "issuer": TEXT,
            "jwks_uri": TEXT,
            "audience": said(TEXT, "What its assertions have to name."),
            "enabled": FLAG,
            **TIMES,
        }
    ),
    "XAAPolicy": members(
        {
            "id": ID,
            "name": TEXT,
            "idp_id": ID,
            "client_ids": said(TEXTS, "Empty: any client."),
            "scopes": said(maybe(TEXTS), "Null: no limit. Empty: nothing is allowed."),
            "resources": said(TEXTS, "Empty: any resource."),
            "enabled": FLAG,
            **TIMES,
        }
    ),
    "SubjectMapping": members(
        {"id": ID, "idp_id": ID, "idp_subject": TEXT, "created_at": MOMENT}, {"local_user_id": ID}
    ),
    "WorkloadIssuer": members(
        {
            "id": ID,
            "name": TEXT,
            "preset": one_of(*WorkloadIssuer.Preset.values),
            "issuer": TEXT,
            "jwks_uri": TEXT,
            "jwks": maybe(JWKS),
            "audience": TEXT,
            "rules": many(RULE, most=MAX_RULES),
            "enabled": FLAG,
            **TIMES,
        }
    ),
    "AssertionAudience": members(
        {
            "id": ID,
            "name": TEXT,
            "audience": TEXT,
            "client_ids": TEXTS,
            "remote_client_ids": by_name(TEXT),
            "resources": TEXTS,
            "scopes": said(maybe(TEXTS), "Null: all. Empty: none."),
            "enabled": FLAG,
            **TIMES,
        }
    ),
    "RefreshedKeys": members({"status": TEXT, "keys": said(COUNT, "How many are usable.")}),
    "Rehearsal": members(
        {
            "matched": FLAG,
            "rule": said(maybe(COUNT), "The index of the first rule that fits."),
            "client_id": TEXT,
            "single_use": FLAG,
            "problems": said(TEXTS, "What would still keep the workload from a token."),
            "mismatches": said(TEXTS, "For each rule what does not fit; empty where all does."),
        }
    ),
}
