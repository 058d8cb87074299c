"""A question to administrators as they see it: what the client would be, and who said what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from oauth.models import ClientApproval
from oauth.registration.approval import needed_now


def shown_approval(row: ClientApproval) -> dict[str, Any]:
    """The members of an approval. The client's are those of this moment."""
    client = row.client
    votes = sorted(row.votes.all(), key=lambda vote: vote.created_at)
    is_open = row.outcome == ClientApproval.Outcome.WAITING
    return {
        "id": str(row.pk),
        "outcome": row.outcome,
        "cause": row.cause,
        "needed": needed_now(row) if is_open else row.needed,
        "given": sum(vote.verdict == vote.Verdict.APPROVE for vote in votes),
        "requested_at": _moment(row.requested_at),
        "requested_by": row.requested_by,
        "decided_at": _moment(row.decided_at),
        "votes": [
            {
                "administrator": vote.administrator,
                "verdict": vote.verdict,
                "reason": vote.reason,
                "created_at": _moment(vote.created_at),
            }
            for vote in votes
        ],
        "client": {
            "id": client.client_id,
            "issuer": client.issuer,
            "name": client.name,
            "status": client.status,
            "registration_source": client.registration_source,
            "redirect_uris": client.redirect_uri_list,
            "grant_types": client.grant_types,
            "token_endpoint_auth_method": client.token_endpoint_auth_method,
            "scope": client.scope,
            "software_id": client.software_id,
            "issued_at": _moment(client.created),
        },
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
