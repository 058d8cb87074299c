"""Bodies that services read themselves, without a serializer: by the names of their members."""

from __future__ import annotations

from typing import Final

from admin_api.schemas import configuration
from admin_api.schemas.administrators import APPROVALS
from admin_api.schemas.broker import ACCESS, CONFIG
from admin_api.schemas.identities import JWKS, RULE, TEXTS
from admin_api.schemas.oauth import RULES, SCOPE, SCOPE_MAP, SECURITY
from authplane.core.openapi.shapes import (
    ANY_OBJECT,
    COUNT,
    FLAG,
    ID,
    TEXT,
    Schema,
    by_name,
    many,
    maybe,
    members,
    one_of,
    said,
)
from broker.keys.services import MOST_DAYS
from broker.models import BrokerProvider, OAuthProxy
from oauth.federation.rules import MAX_RULES
from oauth.models import WorkloadIssuer

VERSION: Final = {"version": said(COUNT, "Change only this version; else 409.")}
DAYS: Final = {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_DAYS}
POLICY: Final = members(
    {},
    {
        "exchange": maybe(members({}, {"allowed_client_ids": maybe(TEXTS)})),
        "runtime": maybe(members({}, {"client_ids": maybe(TEXTS)})),
        "connect": {**ANY_OBJECT, "description": "Kept as it is: it has routes of its own."},
        **{name: maybe(rule) for name, rule in RULES.items()},
    },
)
CLIENT: Final = {"client_name": TEXT, "redirect_uris": TEXTS, "grant_types": TEXTS, "scope": TEXT}
NEW_CLIENT: Final = {
    **CLIENT, "response_types": TEXTS, "token_endpoint_auth_method": TEXT, "agent": FLAG,
    "agent_description": TEXT, "jwks": JWKS, "jwks_uri": TEXT,
    "token_endpoint_auth_signing_alg": TEXT, "application_type": TEXT, **SECURITY,
}  # fmt: skip
CLIENT_CHANGE: Final = {
    **CLIENT, **{name: schema for name, schema in SECURITY.items() if schema is FLAG},
}  # fmt: skip
RESOURCE: Final = {
    "slug": TEXT, "uri": TEXT, "backend_kind": one_of("mint", "broker"),
    "broker_provider_id": TEXT, "broker_provider_slug": TEXT, "display_name": TEXT,
    "scopes": many(SCOPE), "policy": POLICY,
}  # fmt: skip
PROVIDER: Final = {
    "slug": TEXT, "display_name": TEXT, "protocol": one_of(*BrokerProvider.Protocol.values),
    "preset": TEXT, "config_data": CONFIG, "secret": said(maybe(TEXT), "Never shown."),
    "enabled": FLAG,
}  # fmt: skip
IDENTITY_PROVIDER: Final = {
    "slug": TEXT, "display_name": TEXT, "issuer": TEXT, "client_id": TEXT,
    "secret": said(maybe(TEXT), "Never shown."), "secret_ref": TEXT,
    "token_endpoint_auth_method": TEXT, "scopes": TEXTS, "include_groups_scope": FLAG,
    "connector_id": TEXT, "allowed_domains": TEXTS, "groups_claim": TEXT,
    "role_map": by_name(TEXT), "enabled": FLAG,
}  # fmt: skip
PROXY: Final = {
    "slug": TEXT, "name": TEXT, "mode": one_of(*OAuthProxy.Mode.values),
    "provider": said({"type": ["string", "integer"]}, "Its number, slug or id."),
    "target_url": TEXT, "allowed_redirects": TEXTS, "scopes": TEXTS, "require_consent": FLAG,
    "enabled": FLAG, "config": said(ANY_OBJECT, "The same under other names."),
}  # fmt: skip
IDP: Final = {"name": TEXT, "issuer": TEXT, "jwks_uri": TEXT, "audience": TEXT, "enabled": FLAG}
XAA_POLICY: Final = {
    "name": TEXT, "client_ids": TEXTS, "scopes": maybe(TEXTS), "resources": TEXTS, "enabled": FLAG,
}  # fmt: skip
WORKLOAD: Final = {
    "name": TEXT, "jwks_uri": TEXT, "jwks": maybe(JWKS), "audience": TEXT,
    "rules": many(RULE, most=MAX_RULES), "enabled": FLAG,
}  # fmt: skip
AUDIENCE: Final = {
    "name": TEXT, "client_ids": TEXTS, "remote_client_ids": by_name(TEXT), "resources": TEXTS,
    "scopes": maybe(TEXTS), "enabled": FLAG,
}  # fmt: skip
GROUP: Final = {"name": TEXT, "enabled": FLAG, "proxy_access": many(ACCESS)}
KEY: Final = {"name": TEXT, "description": maybe(TEXT), "expires_in_days": DAYS}
PRESET: Final = one_of(*WorkloadIssuer.Preset.values)

BODIES: Final[dict[tuple[str, str], tuple[str, Schema]]] = {
    ("Clients", "create"): ("NewClient", members({}, NEW_CLIENT)),
    ("Clients", "change"): ("ClientChange", members({}, CLIENT_CHANGE)),
    ("Resources", "create"): ("NewResource", members({"slug": TEXT}, RESOURCE)),
    ("Resources", "change"): ("ResourceChange", members({}, RESOURCE)),
    ("PolicyRules", "change"): (
        "RulesChange", members({}, {name: maybe(rule) for name, rule in RULES.items()}),
    ),
    ("Fronting", "create"): (
        "NewFrontingLink",
        members(
            {"scope_map": SCOPE_MAP},
            dict.fromkeys(("source", "target", "source_slug", "target_slug"), TEXT),
        ),
    ),
    ("Fronting", "change"): ("FrontingLinkChange", members({}, {"scope_map": SCOPE_MAP})),
    ("BrokerProviders", "create"): ("NewBrokerProvider", members({"slug": TEXT}, PROVIDER)),
    ("BrokerProviders", "change"): ("BrokerProviderChange", members({}, PROVIDER | VERSION)),
    ("IdentityProviders", "create"): (
        "NewIdentityProvider",
        members(dict.fromkeys(("slug", "display_name", "issuer", "client_id"), TEXT),
                IDENTITY_PROVIDER),
    ),
    ("IdentityProviders", "change"): (
        "IdentityProviderChange", members({}, IDENTITY_PROVIDER | VERSION),
    ),
    ("Identities", "create"): ("NewIdentity", members({"subject": TEXT, "user_id": ID})),
    ("OAuthProxies", "create"): (
        "NewOAuthProxy", members({"slug": TEXT, "target_url": TEXT}, PROXY),
    ),
    ("OAuthProxies", "change"): ("OAuthProxyChange", members({}, PROXY | VERSION)),
    ("Connections", "create"): (
        "NewConnection",
        members(
            {"user": said(TEXT, "An id or e-mail address."), "provider": said(TEXT, "Its slug.")},
            {"api_key": TEXT, "api_key_ref": TEXT, "impersonate_sub": TEXT, "scopes": TEXTS},
        ),
    ),
    ("McpServers", "create"): (
        "NewMcpServer",
        members({"user": said(TEXT, "An id or e-mail address."), "url": TEXT},
                {"name": TEXT, "profile": TEXT}),
    ),
    ("IdPs", "create"): ("NewIdP", members({"name": TEXT, "issuer": TEXT}, IDP)),
    ("IdPs", "change"): ("IdPChange", members({}, {"name": TEXT, "enabled": FLAG})),
    ("XAAPolicies", "create"): ("NewXAAPolicy", members({"name": TEXT, "idp_id": ID}, XAA_POLICY)),
    ("XAAPolicies", "change"): ("XAAPolicyChange", members({}, XAA_POLICY)),
    ("SubjectMappings", "create"): (
        "NewSubjectMapping", members({"idp_id": ID, "idp_subject": TEXT}, {"local_user_id": ID}),
    ),
    ("WorkloadIssuers", "create"): (
        "NewWorkloadIssuer",
        members({"name": TEXT}, {"preset": PRESET, "issuer": TEXT, **WORKLOAD}),
    ),
    ("WorkloadIssuers", "change"): ("WorkloadIssuerChange", members({}, WORKLOAD)),
    ("WorkloadIssuers", "test"): (
        "Workload", members({"subject": TEXT}, {"claims": ANY_OBJECT}),
    ),
    ("AssertionAudiences", "create"): (
        "NewAssertionAudience", members({"name": TEXT, "audience": TEXT}, AUDIENCE),
    ),
    ("AssertionAudiences", "change"): ("AssertionAudienceChange", members({}, AUDIENCE)),
    ("AccessGroups", "create"): ("NewAccessGroup", members({"name": TEXT}, GROUP)),
    ("AccessGroups", "change"): ("AccessGroupChange", members({}, GROUP)),
    ("ApiKeys", "create"): (
        "NewApiKey", members({"name": TEXT, "user_id": ID, "user_group_id": ID}, KEY),
    ),
    ("ApiKeys", "change"): ("ApiKeyChange", members({}, KEY)),
    ("Configuration", "apply"): (
        "ConfigurationToApply", members({"format": configuration.FORMAT}, configuration.DOCUMENT),
    ),
    ("ApprovalSettings", "change"): ("ApprovalSettingsChange", members({}, APPROVALS)),
}  # fmt: skip
"""By the viewset and its method: the component's name and what it is."""
