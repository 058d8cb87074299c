"""Resources out. What comes in is read by the registry itself, as seeds and commands are."""

from __future__ import annotations

from typing import Any

from admin_api.serializers.moments import timestamp
from admin_api.serializers.strict import Body, Text
from authplane.core.config import config
from oauth.models import Resource
from oauth.resources.policy_body import complete_policy

MAX_CLIENT_ID = 512


class PolicyMember(Body):
    """Body of a POST to one list of a policy."""

    client_id = Text(max_length=MAX_CLIENT_ID)


def resource_view(row: Resource) -> dict[str, Any]:
    """A resource as operators see one. The built-in one has the issuer's present URL."""
    built_in = row.backend_kind == Resource.Backend.ISSUER
    return {
        "id": str(row.pk),
        "slug": row.slug,
        "uri": config().server.issuer if built_in else row.uri,
        "backend_kind": row.backend_kind,
        "broker_provider_id": str(row.broker_provider or ""),
        "display_name": row.display_name,
        "scopes": row.scopes,
        "policy": complete_policy(row.policy),
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }
