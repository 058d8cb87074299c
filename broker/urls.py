"""Routes of the public listener about accounts at services of others."""

from __future__ import annotations

from django.urls import URLPattern, path

from broker.connect.callback import callback
from broker.connect.start import connect
from broker.connections.views import connection, connections, disconnect
from broker.remote.documents import provider_document, shared_document
from broker.servers import api, pages
from broker.servers.cron import cleanup_pkce, refresh_tokens
from broker.servers.flows import callback as server_callback
from broker.servers.flows import initiate
from broker.servers.refreshing import refresh

urlpatterns: list[URLPattern] = [
    path("connect/<slug:provider>", connect, name="connect"),
    path("connect/<slug:provider>/callback", callback, name="connect-callback"),
    path("connections", connections, name="connections"),
    path("connections/<slug:provider>", connection, name="connection"),
    path("connections/<slug:provider>/disconnect", disconnect, name="disconnect"),
    path("oauth/client-metadata.json", shared_document),
    path("oauth/client-metadata/<slug:slug>.json", provider_document),
    path("mcp-servers", pages.servers, name="mcp-servers"),
    path("mcp-servers/<uuid:key>/connect", pages.connect, name="mcp-server-connect"),
    path("mcp-servers/<uuid:key>/disconnect", pages.disconnect, name="mcp-server-disconnect"),
    path("mcp-servers/<uuid:key>/remove", pages.remove, name="mcp-server-remove"),
    path("api/oauth/initiate", initiate),
    path("api/oauth/callback", server_callback),
    path("api/oauth/refresh", refresh),
    path("api/oauth/refresh-tokens", refresh_tokens),
    path("api/oauth/cleanup-pkce", cleanup_pkce),
    path("api/servers", api.servers),
    path("api/servers/<str:key>", api.server),
    path("api/connections", api.connections),
    path("api/connections/<str:key>", api.connection),
]
