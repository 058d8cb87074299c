"""Identity providers, their policies and mappings out. The services read what comes in."""

from __future__ import annotations

from typing import Any

from admin_api.serializers.moments import timestamp
from authplane.core.config import config
from oauth.models import SubjectMapping, TrustedIdP, XAAPolicy


def idp_view(row: TrustedIdP) -> dict[str, Any]:
    """A provider; `audience` is what its assertions have to name."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "issuer": row.issuer,
        "jwks_uri": row.jwks_uri,
        "audience": row.audience or config().server.issuer,
        "enabled": row.enabled,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def policy_view(row: XAAPolicy) -> dict[str, Any]:
    """A policy; `scopes` is null without a limit, and empty where nothing is allowed."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "idp_id": str(row.idp_id),
        "client_ids": row.client_ids or [],
        "scopes": row.scopes,
        "resources": row.resources or [],
        "enabled": row.enabled,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def mapping_view(row: SubjectMapping) -> dict[str, Any]:
    """A mapping; `local_user_id` is absent for a subject without an account."""
    view = {
        "id": str(row.pk),
        "idp_id": str(row.idp_id),
        "idp_subject": row.idp_subject,
        "local_user_id": str(row.local_user_id) if row.local_user_id else None,
        "created_at": timestamp(row.created_at),
    }
    return {name: value for name, value in view.items() if value is not None}
