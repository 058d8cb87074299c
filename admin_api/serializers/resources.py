"""Resources out. What comes in is read by the registry itself, as seeds and commands are."""

from __future__ import annotations

from typing import Any

from admin_api.serializers.strict import Body, Text
from authplane.core.clock import as_text
from authplane.core.config import config
from oauth.models import Resource
from oauth.resources.policy_body import CONNECT, RETURN_URLS, complete_policy
from oauth.resources.return_url_rules import MAX_LENGTH

MAX_CLIENT_ID = 512


class PolicyMember(Body):
    """Body of a POST to one list of a policy."""

    client_id = Text(max_length=MAX_CLIENT_ID)


class ReturnUrl(Body):
    """Body of a POST to the list of return URLs."""

    url = Text(max_length=MAX_LENGTH)


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
        "policy": _policy(row),
        "created_at": as_text(row.created_at),
        "updated_at": as_text(row.updated_at),
    }


def _policy(row: Resource) -> dict[str, Any]:
    """Return URLs belong to what is brokered: there is a list then, and none otherwise."""
    policy = complete_policy(row.policy)
    urls = policy.pop(CONNECT, {RETURN_URLS: []})
    return policy | ({CONNECT: urls} if row.backend_kind == Resource.Backend.BROKER else {})
