"""Workload issuers and assertion audiences out. What comes in is read by their services."""

from __future__ import annotations

from typing import Any

from admin_api.serializers.moments import timestamp
from oauth.federation.rehearsal import Rehearsal
from oauth.models import AssertionAudience, WorkloadIssuer


def issuer_view(row: WorkloadIssuer) -> dict[str, Any]:
    """A workload issuer as operators see one."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "preset": row.preset,
        "issuer": row.issuer,
        "jwks_uri": row.jwks_uri,
        "jwks": row.jwks,
        "audience": row.audience,
        "rules": row.rules,
        "enabled": row.enabled,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


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
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def rehearsal_view(done: Rehearsal) -> dict[str, Any]:
    """What a workload with this subject would be."""
    return {
        "matched": done.rule is not None,
        "rule": done.rule,
        "client_id": done.client_id,
        "single_use": done.single_use,
        "problems": done.problems,
        "mismatches": done.mismatches,
    }
