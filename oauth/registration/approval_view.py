"""A question to administrators as they see it: what the client would be, and who said what."""

from __future__ import annotations

from typing import Any

from authplane.core.clock import as_text_or_none
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
        "requested_at": as_text_or_none(row.requested_at),
        "requested_by": row.requested_by,
        "decided_at": as_text_or_none(row.decided_at),
        "votes": [
            {
                "administrator": vote.administrator,
                "verdict": vote.verdict,
                "reason": vote.reason,
                "created_at": as_text_or_none(vote.created_at),
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
            "issued_at": as_text_or_none(client.created),
        },
    }
