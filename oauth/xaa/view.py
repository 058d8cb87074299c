"""What operators see of identity providers, policies and mappings, wherever they ask."""

from __future__ import annotations

from typing import Any

from authplane.core.clock import as_text
from authplane.core.config import config
from oauth.models import AssertionAudience, SubjectMapping, TrustedIdP, XAAPolicy


def idp_view(row: TrustedIdP) -> dict[str, Any]:
    """A provider; `audience` is what its assertions have to name."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "issuer": row.issuer,
        "jwks_uri": row.jwks_uri,
        "audience": row.audience or config().server.issuer,
        "enabled": row.enabled,
        "created_at": as_text(row.created_at),
        "updated_at": as_text(row.updated_at),
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
        "created_at": as_text(row.created_at),
        "updated_at": as_text(row.updated_at),
    }


def mapping_view(row: SubjectMapping) -> dict[str, Any]:
    """A mapping; `local_user_id` is absent for a subject without an account."""
    view = {
        "id": str(row.pk),
        "idp_id": str(row.idp_id),
        "idp_subject": row.idp_subject,
        "local_user_id": str(row.local_user_id) if row.local_user_id else None,
        "created_at": as_text(row.created_at),
    }
    return {name: value for name, value in view.items() if value is not None}


def audience_view(row: AssertionAudience) -> dict[str, Any]:
    """An audience of assertions as operators see one. `scopes` of null allows all, `[]` none."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "audience": row.audience,
        "client_ids": row.client_ids,
        "remote_client_ids": row.remote_client_ids,
        "resources": row.resources,
        "scopes": row.scopes,
        "enabled": row.enabled,
        "created_at": as_text(row.created_at),
        "updated_at": as_text(row.updated_at),
    }
