"""Routes of the operator API, below `/admin/` of the operator listener."""

from __future__ import annotations

from typing import Any

from django.urls import path

from admin_api.viewsets.administrators import AdminKeys, Staff
from admin_api.viewsets.approvals import Approvals, ApprovalSettings
from admin_api.viewsets.audit import AuditEvents, AuditSeals
from admin_api.viewsets.clients import Clients
from admin_api.viewsets.configuration import Configuration
from admin_api.viewsets.connections import BrokerGrants, Connections
from admin_api.viewsets.federation import AssertionAudiences, WorkloadIssuers
from admin_api.viewsets.fronting import Fronting, ResourceFronting
from admin_api.viewsets.grants import ConsentGrants, UserGrants
from admin_api.viewsets.issuances import Issuances
from admin_api.viewsets.keys import AccessGroups, ApiKeys
from admin_api.viewsets.providers import BrokerProviders
from admin_api.viewsets.proxies import OAuthProxies, ProxySessions
from admin_api.viewsets.registration import RegistrationSettings
from admin_api.viewsets.resources import (
    ExchangeClients,
    PolicyRules,
    Resources,
    ReturnUrls,
    RuntimeClients,
)
from admin_api.viewsets.runtime_settings import LimitSettings, NoticeSettings
from admin_api.viewsets.servers import McpServers
from admin_api.viewsets.sign_in import Identities, IdentityProviders
from admin_api.viewsets.signing_keys import SigningKeys
from admin_api.viewsets.system import Server
from admin_api.viewsets.tokens import Tokens, UserTokens
from admin_api.viewsets.users import Users
from admin_api.viewsets.xaa import IdPs, SubjectMappings, XAAPolicies

LIST: dict[str, Any] = {"get": "list", "post": "create"}
ONE: dict[str, Any] = {"get": "retrieve", "patch": "change", "delete": "remove"}
REPLACED: dict[str, Any] = {"get": "retrieve", "put": "change", "delete": "remove"}
CHANGED: dict[str, Any] = {**ONE, "put": "change"}
MEMBERS: dict[str, Any] = {"get": "retrieve", "post": "add"}
MEMBER: dict[str, Any] = {"delete": "remove"}

# Ids of clients with a metadata document are URLs, so a client's id may hold slashes; the routes
# with something behind the id come first.
urlpatterns = [
    path("audit", AuditEvents.as_view({"get": "list"})),
    path("audit/actions", AuditEvents.as_view({"get": "actions"})),
    path("audit/export", AuditEvents.as_view({"get": "export"})),
    path("audit/keys", AuditSeals.as_view({"get": "keys"})),
    path("audit/seals", AuditSeals.as_view({"get": "list"})),
    path("audit/state", AuditSeals.as_view({"get": "state"})),
    path("audit/verify", AuditSeals.as_view({"post": "verify"})),
    path("users", Users.as_view(LIST)),
    path("users/<str:user_id>", Users.as_view(ONE)),
    path("users/<str:user_id>/grants", UserGrants.as_view({"get": "retrieve"})),
    path("users/<str:user_id>/tokens", UserTokens.as_view({"get": "list", "delete": "remove"})),
    path("users/<str:user_id>/disable", Users.as_view({"patch": "disable"})),
    path("users/<str:user_id>/enable", Users.as_view({"patch": "enable"})),
    path("resources", Resources.as_view(LIST)),
    path("resources/<str:resource_id>", Resources.as_view(ONE)),
    path("resources/<str:slug>/policy/exchange/allowed-clients", ExchangeClients.as_view(MEMBERS)),
    path(
        "resources/<str:slug>/policy/exchange/allowed-clients/<path:client_id>",
        ExchangeClients.as_view(MEMBER),
    ),
    path("resources/<str:slug>/policy/runtime/client-ids", RuntimeClients.as_view(MEMBERS)),
    path(
        "resources/<str:slug>/policy/runtime/client-ids/<path:client_id>",
        RuntimeClients.as_view(MEMBER),
    ),
    path(
        "resources/<str:slug>/policy/connect/allowed-return-urls",
        ReturnUrls.as_view(MEMBERS | MEMBER),
    ),
    path(
        "resources/<str:slug>/policy/rules",
        PolicyRules.as_view({"get": "retrieve", "patch": "change"}),
    ),
    path("resources/<str:slug>/fronting", ResourceFronting.as_view({"get": "retrieve"})),
    path("broker-providers", BrokerProviders.as_view(LIST)),
    path("broker-providers/presets", BrokerProviders.as_view({"get": "presets"})),
    path("broker-providers/<str:key>", BrokerProviders.as_view(ONE)),
    path("auth/verify", Server.as_view({"post": "verify"})),
    path("tokens", Tokens.as_view({"get": "list"})),
    path("tokens/<str:jti>", Tokens.as_view(MEMBER)),
    path("issuances", Issuances.as_view({"get": "list"})),
    path("issuances/<str:key>", Issuances.as_view({"get": "retrieve", "delete": "remove"})),
    path("keys", SigningKeys.as_view({"get": "list"})),
    path("keys/rotate", SigningKeys.as_view({"post": "rotate"})),
    path("configuration", Configuration.as_view({"get": "retrieve", "post": "apply"})),
    path("stats", Server.as_view({"get": "stats"})),
    path("system/status", Server.as_view({"get": "status"})),
    path("system/config", Server.as_view({"get": "configuration"})),
    path("settings/limits", LimitSettings.as_view({"get": "retrieve", "patch": "change"})),
    path("settings/notices", NoticeSettings.as_view({"get": "retrieve", "put": "change"})),
    path("settings/dcr", RegistrationSettings.as_view({"get": "retrieve", "patch": "change"})),
    path("grants/consent/<str:key>", ConsentGrants.as_view(MEMBER)),
    path("connections", Connections.as_view(LIST)),
    path("connections/<str:key>", Connections.as_view({"get": "retrieve", "delete": "remove"})),
    path("grants/broker", BrokerGrants.as_view({"get": "list"})),
    path("grants/broker/<str:key>", BrokerGrants.as_view({"get": "retrieve", "delete": "remove"})),
    path("api-keys", ApiKeys.as_view(LIST)),
    path("api-keys/<str:key>", ApiKeys.as_view(ONE)),
    path("api-keys/<str:key>/revoke", ApiKeys.as_view({"post": "revoke"})),
    path("admin-keys", AdminKeys.as_view(LIST)),
    path("admin-keys/<str:key>", AdminKeys.as_view({"get": "retrieve"})),
    path("admin-keys/<str:key>/revoke", AdminKeys.as_view({"post": "revoke"})),
    path("approvals", Approvals.as_view(LIST)),
    path("approvals/<str:key>", Approvals.as_view({"get": "retrieve"})),
    path("approvals/<str:key>/approve", Approvals.as_view({"post": "approve"})),
    path("approvals/<str:key>/reject", Approvals.as_view({"post": "reject"})),
    path(
        "settings/approvals",
        ApprovalSettings.as_view({"get": "retrieve", "patch": "change"}),
    ),
    path("staff", Staff.as_view(LIST)),
    path("staff/<str:user_id>", Staff.as_view(ONE)),
    path("access-groups", AccessGroups.as_view(LIST)),
    path("access-groups/<str:key>", AccessGroups.as_view(ONE)),
    path("identity-providers", IdentityProviders.as_view(LIST)),
    path("identity-providers/<str:key>", IdentityProviders.as_view(ONE)),
    path("identity-providers/<str:key>/identities", Identities.as_view(LIST)),
    path("identity-providers/<str:key>/identities/<str:identity>", Identities.as_view(MEMBER)),
    path("oauth-proxies", OAuthProxies.as_view(LIST)),
    path("oauth-proxies/<str:key>", OAuthProxies.as_view(ONE)),
    path("proxy-sessions", ProxySessions.as_view({"get": "list"})),
    path("proxy-sessions/stats", ProxySessions.as_view({"get": "stats"})),
    path("proxy-sessions/cleanup", ProxySessions.as_view({"post": "cleanup"})),
    path(
        "proxy-sessions/<str:key>",
        ProxySessions.as_view({"get": "retrieve", "delete": "remove"}),
    ),
    path("mcp-servers", McpServers.as_view(LIST)),
    path("mcp-servers/<str:key>", McpServers.as_view({"get": "retrieve", "delete": "remove"})),
    path("fronting", Fronting.as_view(LIST)),
    path("fronting/<str:source>/<str:target>", Fronting.as_view(ONE)),
    path("idps", IdPs.as_view(LIST)),
    path("idps/<str:key>", IdPs.as_view(REPLACED)),
    path("idps/<str:key>/refresh-keys", IdPs.as_view({"post": "refresh_keys"})),
    path("xaa/policies", XAAPolicies.as_view(LIST)),
    path("xaa/policies/<str:key>", XAAPolicies.as_view(REPLACED)),
    path("xaa/subject-mappings", SubjectMappings.as_view(LIST)),
    path("xaa/subject-mappings/<str:key>", SubjectMappings.as_view(MEMBER)),
    path("workload-issuers", WorkloadIssuers.as_view(LIST)),
    path("workload-issuers/<str:key>", WorkloadIssuers.as_view(CHANGED)),
    path("workload-issuers/<str:key>/test", WorkloadIssuers.as_view({"post": "test"})),
    path(
        "workload-issuers/<str:key>/refresh-keys",
        WorkloadIssuers.as_view({"post": "refresh_keys"}),
    ),
    path("assertion-audiences", AssertionAudiences.as_view(LIST)),
    path("assertion-audiences/<str:key>", AssertionAudiences.as_view(CHANGED)),
    path("clients", Clients.as_view(LIST)),
    path("clients/<path:client_id>/suspend", Clients.as_view({"patch": "suspend"})),
    path("clients/<path:client_id>/reactivate", Clients.as_view({"patch": "reactivate"})),
    path("clients/<path:client_id>/revoke", Clients.as_view({"patch": "revoke"})),
    path("clients/<path:client_id>/rotate-secret", Clients.as_view({"post": "rotate_secret"})),
    path("clients/<path:client_id>", Clients.as_view(ONE)),
]
