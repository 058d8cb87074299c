"""Routes of the public listener about accounts at services of others."""

from __future__ import annotations

from django.urls import URLPattern, path

from broker.connect.callback import callback
from broker.connect.start import connect
from broker.connections.views import connection, connections, disconnect
from broker.proxies import consent_page, endpoints, metadata
from broker.proxies.authorize import authorize
from broker.proxies.callback import callback as proxy_callback
from broker.remote.documents import provider_document, shared_document
from broker.servers import api, pages
from broker.servers.cron import cleanup_pkce, refresh_tokens
from broker.servers.flows import callback as server_callback
from broker.servers.flows import initiate
from broker.servers.refreshing import refresh
from broker.signin.callback import callback as signed_in_elsewhere
from broker.signin.sign_out import sign_out
from broker.signin.start import start
from oauth.sessions.arrival import from_another_site

urlpatterns: list[URLPattern] = [
    path("connect/<slug:provider>", connect, name="connect"),
    path("connect/<slug:provider>/callback", from_another_site(callback), name="connect-callback"),
    path("connections", connections, name="connections"),
    path("connections/<slug:provider>", connection, name="connection"),
    path("connections/<slug:provider>/disconnect", disconnect, name="disconnect"),
    path("consent/proxy", consent_page.consent, name="proxy-consent"),
    path("consent/proxy/remove", consent_page.remove, name="proxy-consent-remove"),
    path("api/v1/oauth/callback", from_another_site(proxy_callback)),
    path("api/v1/oauth-proxy/<int:proxy_id>/authorize", authorize, name="proxy-authorize"),
    path("api/v1/oauth-proxy/<int:proxy_id>/register", endpoints.register),
    path("api/v1/oauth-proxy/<int:proxy_id>/token", endpoints.token),
    path("api/v1/oauth-proxy/<int:proxy_id>/revoke", endpoints.revoke),
    path("api/v1/oauth-proxy/<int:proxy_id>/introspect", endpoints.introspect),
    path("api/v1/oauth-proxy/<int:proxy_id>/jwks.json", endpoints.jwks),
    path(".well-known/oauth-authorization-server", metadata.authorization_server),
    path(".well-known/oauth-authorization-server/<path:tail>", metadata.authorization_server),
    path(".well-known/openid-configuration", metadata.authorization_server),
    path(".well-known/openid-configuration/<path:tail>", metadata.authorization_server),
    path("<path:tail>/.well-known/openid-configuration", metadata.authorization_server),
    path(".well-known/oauth-protected-resource", metadata.protected_resource),
    path(".well-known/oauth-protected-resource/", metadata.protected_resource),
    path(".well-known/oauth-protected-resource/<path:reference>", metadata.protected_resource),
    path("oauth/client-metadata.json", shared_document),
    path("oauth/client-metadata/<slug:slug>.json", provider_document),
    path("mcp-servers", pages.servers, name="mcp-servers"),
    path("mcp-servers/<uuid:key>/connect", pages.connect, name="mcp-server-connect"),
    path("mcp-servers/<uuid:key>/disconnect", pages.disconnect, name="mcp-server-disconnect"),
    path("mcp-servers/<uuid:key>/remove", pages.remove, name="mcp-server-remove"),
    path("api/oauth/initiate", initiate),
    path("api/oauth/callback", from_another_site(server_callback)),
    path("api/oauth/refresh", refresh),
    path("api/oauth/refresh-tokens", refresh_tokens),
    path("api/oauth/cleanup-pkce", cleanup_pkce),
    path("api/servers", api.servers),
    path("api/servers/<str:key>", api.server),
    path("api/connections", api.connections),
    path("api/connections/<str:key>", api.connection),
    path("oidc/start", start, name="oidc-start"),
    path("oidc/callback", signed_in_elsewhere, name="oidc-callback"),
    path("oidc/callback/<slug:provider>", signed_in_elsewhere, name="oidc-callback-of"),
    path("oidc/sign-out", sign_out, name="oidc-sign-out"),
]
