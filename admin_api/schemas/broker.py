"""Upstream services, what users have connected there, and what stands in front of them."""

from __future__ import annotations

from typing import Final

from admin_api.schemas.identities import TEXTS, TIMES
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
    one_of,
    said,
)
from broker.models import BrokerProvider, Connection, OAuthProxy
from broker.servers.view import CONNECTED, NOT_CONNECTED, OPEN, RECONNECT

CONFIG: Final = said(ANY_OBJECT, "What the protocol needs; see the presets.")
PRESET: Final = members(
    {
        "name": TEXT,
        "display_name": TEXT,
        "protocol": one_of(*BrokerProvider.Protocol.values),
        "config_data": CONFIG,
        "needs": said(TEXTS, "Members of `config_data` that are still to be given."),
        "sample_scopes": TEXTS,
        "remarks": TEXTS,
    }
)
API_KEY: Final[dict[str, Schema]] = {
    "id": ID,
    "name": TEXT,
    "description": TEXT,
    "prefix": said(TEXT, "How the key begins."),
    "user_id": ID,
    "user_group_id": ID,
    "user_group": TEXT,
    "state": one_of("active", "expired", "revoked"),
    "created_at": MOMENT,
    "created_by": TEXT,
    "expires_at": maybe(MOMENT),
    "revoked_at": maybe(MOMENT),
    "last_used_at": maybe(MOMENT),
}
ACCESS: Final = members(
    {"proxy": said(TEXT, "Its slug."), "requests_per_minute": maybe(COUNT)},
    about="Null is no limit.",
)

SCHEMAS: Final[dict[str, Schema]] = {
    "BrokerProvider": members(
        {
            "id": ID,
            "number": COUNT,
            "slug": TEXT,
            "display_name": TEXT,
            "protocol": one_of(*BrokerProvider.Protocol.values),
            "preset": TEXT,
            "config_data": CONFIG,
            "has_secret": FLAG,
            "enabled": FLAG,
            "version": COUNT,
            **TIMES,
        }
    ),
    "Presets": members({"presets": many(PRESET)}),
    "Connection": members(
        {
            "id": ID,
            "user_id": ID,
            "provider": said(TEXT, "Its slug; empty for a remote MCP server."),
            "broker_provider_id": TEXT,
            "server_id": TEXT,
            "status": one_of(*Connection.Status.values),
            "scopes_granted": TEXTS,
            "account": TEXT,
            "has_credential": FLAG,
            "version": COUNT,
            "enc_backend": TEXT,
            "access_expires_at": maybe(MOMENT),
            "last_used_at": maybe(MOMENT),
            "last_used_by": TEXT,
            "created_at": MOMENT,
            "connected_at": maybe(MOMENT),
            "updated_at": MOMENT,
            "revoked_at": maybe(MOMENT),
            "revoked_reason": TEXT,
        }
    ),
    "McpServer": members(
        {
            "uuid": ID,
            "name": TEXT,
            "url": TEXT,
            "profile": ID,
            "user_id": ID,
            "status": one_of(CONNECTED, RECONNECT, NOT_CONNECTED, OPEN),
            "requires_auth": said(maybe(FLAG), "Null before the server was asked."),
            "connection": maybe(ID),
            "scopes": TEXTS,
            "connected_at": maybe(MOMENT),
            "expires_at": maybe(MOMENT),
            "created_at": MOMENT,
        }
    ),
    "OAuthProxy": members(
        {
            "id": COUNT,
            "slug": TEXT,
            "name": TEXT,
            "mode": one_of(*OAuthProxy.Mode.values),
            "provider": said(TEXT, "Its slug."),
            "provider_id": said(COUNT, "Its number."),
            "target_url": TEXT,
            "allowed_redirects": TEXTS,
            "scopes": TEXTS,
            "require_consent": FLAG,
            "enabled": FLAG,
            "config": ANY_OBJECT,
            "issuer": TEXT,
            "version": COUNT,
        }
    ),
    "ProxySession": members(
        {
            "id": ID,
            "proxy_id": COUNT,
            "proxy": TEXT,
            "user_id": ID,
            "client_id": TEXT,
            "client_name": TEXT,
            "connection_id": TEXT,
            "active": FLAG,
            "created_at": MOMENT,
            "expires_at": MOMENT,
            "revoked_at": maybe(MOMENT),
        }
    ),
    "ProxySessionStats": members(
        dict.fromkeys(
            (
                "total_sessions",
                "active_sessions",
                "expired_sessions",
                "revoked_sessions",
                "unique_users",
            ),
            COUNT,
        )
    ),
    "Deleted": members({"deleted_count": COUNT}),
    "ApiKey": members(API_KEY),
    "CreatedApiKey": members(
        {"api_key": said(TEXT, "The key: shown here and never again."), **API_KEY}
    ),
    "AccessGroup": members(
        {
            "id": ID,
            "name": TEXT,
            "enabled": FLAG,
            "proxy_access": many(ACCESS),
            "created_at": MOMENT,
        }
    ),
}
