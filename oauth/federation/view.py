"""What operators see of workload issuers, wherever they ask."""

from __future__ import annotations

from typing import Any

from authplane.core.clock import as_text
from oauth.federation.rehearsal import Rehearsal
from oauth.models import WorkloadIssuer


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
        "created_at": as_text(row.created_at),
        "updated_at": as_text(row.updated_at),
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
