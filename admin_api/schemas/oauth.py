"""Clients, resources, and links between resources."""

from __future__ import annotations

from typing import Final

from admin_api.schemas.identities import TEXTS, TIMES
from authplane.core.openapi.shapes import (
    FLAG,
    ID,
    MOMENT,
    SECONDS,
    TEXT,
    Schema,
    by_name,
    many,
    maybe,
    members,
    named,
    one_of,
    said,
)
from oauth.clients.certificate_subjects import SUBJECT_MEMBERS
from oauth.models import Client, Resource
from oauth.registration.security import SWITCH_MEMBERS
from oauth.resources.policy_body import (
    DPOP,
    GRANT_TYPES,
    LONGEST_LIFETIME,
    SHORTEST_LIFETIME,
    TOKEN_FORMATS,
)

SECURITY: Final[dict[str, Schema]] = {
    **dict.fromkeys(SWITCH_MEMBERS, FLAG),
    "request_object_signing_alg": TEXT,
    **dict.fromkeys(SUBJECT_MEMBERS, TEXT),
}
"""What a client demands of itself: there when it does."""

CLIENT: Final[dict[str, Schema]] = {
    "redirect_uris": TEXTS,
    "grant_types": TEXTS,
    "response_types": TEXTS,
    "token_endpoint_auth_method": TEXT,
    "scope": said(TEXT, "The most that it may have; names with spaces between."),
    "status": one_of(*Client.Status.values),
    "registration_source": one_of(*Client.Source.values),
    "agent": FLAG,
    "agent_description": TEXT,
}
RULES: Final[dict[str, Schema]] = {
    "dpop": one_of(*DPOP),
    "grant_types": {**many(one_of(*GRANT_TYPES)), "minItems": 1},
    "token_lifetime": {
        **SECONDS,
        "minimum": SHORTEST_LIFETIME,
        "maximum": LONGEST_LIFETIME,
    },
    "token_format": one_of(*TOKEN_FORMATS),
    "consent": members({}, {"projects": said(FLAG, "Users choose which of theirs it may open.")}),
}
POLICY: Final = members(
    {
        "exchange": members({"allowed_client_ids": TEXTS}),
        "runtime": members({"client_ids": TEXTS}),
    },
    {"connect": members({"allowed_return_urls": TEXTS}), **RULES},
)
SCOPE: Final = members(
    {"name": TEXT},
    {"description": TEXT, "upstream": {"anyOf": [TEXT, TEXTS]}, "default": FLAG},
)
SCOPE_MAP: Final = said(by_name(TEXTS), "Scopes of the source to those of the target.")
LINK: Final = members(
    {
        "source_slug": TEXT,
        "target_slug": TEXT,
        "scope_map": SCOPE_MAP,
        "created_at": MOMENT,
        "created_by": TEXT,
    }
)

SCHEMAS: Final[dict[str, Schema]] = {
    "Client": members(
        {
            "id": said(TEXT, "The client id; a URL for clients with a metadata document."),
            "name": TEXT,
            **CLIENT,
            "cimd_url": said(TEXT, "Where its metadata document is; empty without one."),
            "issued_at": MOMENT,
            "updated_at": MOMENT,
        },
        SECURITY,
    ),
    "CreatedClient": members(
        {"client_id": TEXT, "client_name": TEXT, **CLIENT, "issued_at": MOMENT},
        {"client_secret": said(TEXT, "Shown here and never again."), **SECURITY},
    ),
    "ClientSecret": members(
        {"client_id": TEXT, "client_secret": said(TEXT, "Shown here and never again.")}
    ),
    "Resource": members(
        {
            "id": ID,
            "slug": TEXT,
            "uri": said(TEXT, "The audience of its tokens; empty for a brokered resource without."),
            "backend_kind": one_of(*Resource.Backend.values),
            "broker_provider_id": said(TEXT, "Empty for a resource that is not brokered."),
            "display_name": TEXT,
            "scopes": many(SCOPE),
            "policy": POLICY,
            **TIMES,
        }
    ),
    "PolicyRules": members({name: maybe(rule) for name, rule in RULES.items()}),
    "ExchangeClients": members({"allowed_client_ids": TEXTS}),
    "RuntimeClients": members({"client_ids": TEXTS}),
    "AllowedReturnUrls": members({"allowed_return_urls": TEXTS}),
    "FrontingLink": LINK,
    "ResourceFronting": members(
        {
            "slug": TEXT,
            "fronts": many(named("FrontingLink")),
            "fronted_by": many(named("FrontingLink")),
        }
    ),
}
