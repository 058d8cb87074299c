"""Tokens, what they rest on, the keys that sign them, and the server about itself."""

from __future__ import annotations

from typing import Final

from admin_api.schemas.identities import TEXTS
from authplane.core.budgets import NAMES
from authplane.core.openapi.shapes import (
    ANY_OBJECT,
    COUNT,
    FLAG,
    ID,
    MOMENT,
    TEXT,
    Schema,
    many,
    maybe,
    members,
    named,
    one_of,
    said,
)
from oauth.keys.record import State
from oauth.models import AccessToken
from oauth.registration.policy import Mode

_KEPT_ID: Final = said(TEXT, "An id, or empty where there is none.")
_STATUS: Final = said(
    one_of("active", "revoked", "expired", "inactive"),
    "`inactive`: something that the token hangs on ended: its client, its user, a consent, or a"
    " token that it was exchanged from.",
)
_BECAUSE: Final = said(TEXT, "Why it does not count, as introspections are recorded.")
_KEY: Final[dict[str, Schema]] = {
    "kid": TEXT,
    "alg": TEXT,
    "status": one_of("current", "previous"),
    "state": one_of(*(state.value for state in State)),
    "activates_at": MOMENT,
}
_PART: Final = members(
    {"name": TEXT, "status": one_of("healthy", "unhealthy", "not_configured")}, {"driver": TEXT}
)
_NOTICE: Final = members(
    {"id": TEXT, "severity": one_of("info", "warning"), "title": TEXT, "body": TEXT},
    {"docs_url": TEXT},
)

SCHEMAS: Final[dict[str, Schema]] = {
    "Token": members(
        {
            "jti": ID,
            "type": one_of(*AccessToken.Kind.values),
            "client_id": TEXT,
            "scope": TEXT,
            "resource": TEXT,
            "status": _STATUS,
            "created_at": MOMENT,
            "expires_at": MOMENT,
        },
        {"user_id": ID, "family_id": ID, "ended_because": _BECAUSE},
        about="An issued access token. The token itself is kept nowhere.",
    ),
    "Issuance": members(
        {
            "id": ID,
            "jti": said(TEXT, "The same, or empty for a token of an upstream service."),
            "kind": one_of(*AccessToken.Kind.values),
            "subject": TEXT,
            "subject_user_id": _KEPT_ID,
            "client_id": TEXT,
            "resource_id": _KEPT_ID,
            "resource": TEXT,
            "scopes": TEXTS,
            "backend_kind": one_of("mint", "broker"),
            "revocable": FLAG,
            "status": _STATUS,
            "issued_at": MOMENT,
            "expires_at": MOMENT,
            "agent_chain": TEXTS,
        },
        {
            "ended_because": _BECAUSE,
            "revoked_at": MOMENT,
            "dpop_jkt": TEXT,
            "agent_id": TEXT,
            "actors": said(ANY_OBJECT, "The `act` claim."),
            "consent_client_id": TEXT,
            "parent_jti": ID,
            "family_id": ID,
        },
        about="The evidence of one token: for whom, through whom, on whose consent.",
    ),
    "ForcedLogout": members(
        {"user_id": ID, "tokens_revoked": COUNT, "issuances_revoked": COUNT},
        about="Authorizations and access tokens that were ended.",
    ),
    "ConsentGrant": members(
        {
            "id": ID,
            "user_id": ID,
            "client_id": TEXT,
            "resource_id": ID,
            "scopes": TEXTS,
            "created_at": MOMENT,
            "updated_at": MOMENT,
        },
        {
            "projects": said(TEXTS, "Ids of those chosen, where the resource asks for some."),
            "revoked_at": MOMENT,
        },
    ),
    "UserGrants": members(
        {
            "consent_grants": many(named("ConsentGrant")),
            "broker_grants": many(said(ANY_OBJECT, "A connection without its empty members.")),
        },
        about="Everything that a user ever allowed.",
    ),
    "SigningKey": members(
        {**_KEY, "use": one_of("sig"), "created_at": MOMENT, "expires_at": maybe(MOMENT)}
    ),
    "Rotation": members({**_KEY, "changed": FLAG, "withdrawn": TEXTS}),
    "RegistrationMode": members({"mode": one_of(*(mode.value for mode in Mode))}),
    "Limits": members(
        {
            **dict.fromkeys(NAMES, COUNT),
            "changed": said(TEXTS, "Those that were changed here; the others are configured."),
            "updated_at": maybe(MOMENT),
            "updated_by": TEXT,
        }
    ),
    "Notices": members({"notices": many(_NOTICE)}),
    "Statistics": members(
        {
            "clients": COUNT,
            "users": COUNT,
            "active_tokens_24h": COUNT,
            "revoked_tokens": COUNT,
            "connections": COUNT,
            "estimated": said(TEXTS, "Figures that are only about right."),
        }
    ),
    "SystemStatus": members(
        {"version": TEXT, "uptime": TEXT, "uptime_secs": COUNT, "subsystems": many(_PART)}
    ),
    "SystemConfig": members(
        {
            "issuer": TEXT,
            "storage": members({"driver": TEXT}),
            "signing": members({"algorithm": TEXT, "key_store": TEXT}),
            "encryption": members({"driver": TEXT}),
            "dcr": named("RegistrationMode"),
            "rate_limit": members({"enabled": FLAG}),
            "client_credentials": members({"enabled": FLAG}),
            "dpop": members({"enabled": FLAG, "require_nonce": FLAG}, {"nonce_ttl": TEXT}),
            "token_exchange": members({"enabled": FLAG}, {"max_chain_depth": COUNT}),
            "xaa": members({"enabled": FLAG}),
            "agents": members({"enabled": FLAG, "jwks_listing": FLAG}),
            "oidc": members({"enabled": FLAG}),
            "notices": many(_NOTICE),
        }
    ),
    "Verified": members({"valid": FLAG, "version": TEXT}),
}
