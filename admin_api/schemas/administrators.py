"""Who administers."""

from __future__ import annotations

from typing import Final

from admin_api.operations import Role
from authplane.accounts.models import User
from authplane.core.openapi.shapes import (
    COUNT,
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
from oauth.models import ApprovalVote, Client, ClientApproval
from oauth.registration.approval_rules import MODES, MOST

ROLE: Final = one_of(*(role.value for role in Role))
KEY: Final[dict[str, Schema]] = {
    "id": ID,
    "name": TEXT,
    "description": TEXT,
    "prefix": said(TEXT, "How the key begins."),
    "role": ROLE,
    "allowed": said(
        maybe(many(TEXT)),
        "Nouns (`users`) and operations (`GET /admin/users`) that it reaches; null: all that its "
        "role may.",
    ),
    "state": one_of("active", "expired", "revoked"),
    "created_at": MOMENT,
    "created_by": TEXT,
    "expires_at": maybe(MOMENT),
    "revoked_at": maybe(MOMENT),
    "last_used_at": maybe(MOMENT),
}
VOTE: Final = members(
    {
        "administrator": TEXT,
        "verdict": one_of(*ApprovalVote.Verdict.values),
        "reason": TEXT,
        "created_at": MOMENT,
    }
)
APPLICANT: Final = members(
    {
        "id": TEXT,
        "issuer": said(TEXT, "Empty: this server itself; else the key of a proxy."),
        "name": TEXT,
        "status": one_of(*Client.Status.values),
        "registration_source": one_of("dcr", "cimd"),
        "redirect_uris": many(TEXT),
        "grant_types": many(TEXT),
        "token_endpoint_auth_method": TEXT,
        "scope": TEXT,
        "software_id": TEXT,
        "issued_at": MOMENT,
    }
)
ADMINISTRATORS: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": MOST}
APPROVALS: Final[dict[str, Schema]] = {
    "dcr": said(ADMINISTRATORS, "To clients that registered themselves; 0: nobody is asked."),
    "cimd": said(ADMINISTRATORS, "To clients with a metadata document; 0: nobody is asked."),
    "modes": said(many(one_of(*MODES)), "The registration modes in which this holds."),
}

SCHEMAS: Final[dict[str, Schema]] = {
    "AdminKey": members(KEY),
    "CreatedAdminKey": members(
        {"admin_key": said(TEXT, "The key: shown here and never again."), **KEY}
    ),
    "Staff": members(
        {
            "user_id": ID,
            "email": maybe(TEXT),
            "name": TEXT,
            "status": one_of(*User.Status.values),
            "role": ROLE,
            "granted_at": MOMENT,
            "granted_by": TEXT,
        }
    ),
    "Approval": members(
        {
            "id": ID,
            "outcome": one_of(*ClientApproval.Outcome.values),
            "cause": one_of(*ClientApproval.Cause.values),
            "needed": said(COUNT, "How many administrators have to agree."),
            "given": said(COUNT, "How many have agreed."),
            "requested_at": MOMENT,
            "requested_by": said(TEXT, "Empty: the client itself."),
            "decided_at": maybe(MOMENT),
            "votes": many(VOTE),
            "client": APPLICANT,
        }
    ),
    "ApprovalSettings": members(APPROVALS),
}
