"""Who administers."""

from __future__ import annotations

from typing import Final

from admin_api.operations import Role
from authplane.accounts.models import User
from authplane.core.openapi.shapes import (
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

ROLE: Final = one_of(*(role.value for role in Role))
KEY: Final[dict[str, Schema]] = {
    "id": ID,
    "name": TEXT,
    "description": TEXT,
    "prefix": said(TEXT, "How the key begins."),
    "role": ROLE,
    "allowed": said(many(TEXT), "The nouns that it reaches; empty: all that its role may."),
    "state": one_of("active", "expired", "revoked"),
    "created_at": MOMENT,
    "created_by": TEXT,
    "expires_at": maybe(MOMENT),
    "revoked_at": maybe(MOMENT),
    "last_used_at": maybe(MOMENT),
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
}
