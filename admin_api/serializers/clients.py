"""Clients out: as they are, and once with the secret that was just made."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from admin_api.serializers.strict import Body
from authplane.core.clock import as_text
from oauth.clients.records import security_of
from oauth.models import Client

LONGEST_OVERLAP: Final = 7 * 86400


class RotateSecret(Body):
    """Body of a rotation; it may be left out."""

    overlap = serializers.IntegerField(min_value=0, max_value=LONGEST_OVERLAP, default=0)


def client_view(client: Client) -> dict[str, Any]:
    """A client as operators see one. No secret, no digest of one."""
    from_document = client.registration_source == Client.Source.CIMD
    return {
        "id": client.client_id,
        "name": client.name,
        **_common(client),
        "cimd_url": client.client_id if from_document else "",
        "issued_at": as_text(client.created),
        "updated_at": as_text(client.updated),
    }


def created_view(client: Client, *, secret: str | None) -> dict[str, Any]:
    """A client that was just made. The only answer that ever holds its secret."""
    shown = {"client_secret": secret} if secret else {}
    return {
        "client_id": client.client_id,
        **shown,
        "client_name": client.name,
        **_common(client),
        "issued_at": as_text(client.created),
    }


def _common(client: Client) -> dict[str, Any]:
    return {
        "redirect_uris": client.redirect_uri_list,
        "grant_types": client.grant_types,
        "response_types": client.response_types,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "scope": client.scope,
        "status": client.status,
        "registration_source": client.registration_source,
        "agent": client.is_agent,
        "agent_description": client.agent_description,
        **security_of(client),
    }
