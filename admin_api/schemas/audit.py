"""The record of what happened, and what proves it."""

from __future__ import annotations

from typing import Final

from authplane.core.openapi.shapes import (
    ANY_OBJECT,
    COUNT,
    FLAG,
    ID,
    MOMENT,
    TEXT,
    Schema,
    by_name,
    many,
    maybe,
    members,
    named,
    said,
)

FINDING: Final = members(
    {
        "kind": said(TEXT, "What is wrong, in one word, such as altered_row or truncated."),
        "text": TEXT,
        "seal": said(COUNT, "The batch; 0 where it is about none."),
        "event": said(TEXT, "The row's id; empty where it is about a batch."),
    }
)

SCHEMAS: Final[dict[str, Schema]] = {
    "AuditEvent": members(
        {
            "id": ID,
            "action": TEXT,
            "actor_id": TEXT,
            "client_id": TEXT,
            "ip": said(TEXT, "The caller's address; empty for scheduled work and when erased."),
            "detail": said(TEXT, "name=value pairs."),
            "data": said(ANY_OBJECT, "The same as JSON."),
            "request_id": TEXT,
            "trace_id": TEXT,
            "created_at": MOMENT,
        }
    ),
    "AuditExport": said(TEXT, "One row a line, the oldest first."),
    "AuditActions": members(
        {
            "actions": many(
                members(
                    {
                        "action": TEXT,
                        "meaning": TEXT,
                        "required": many(TEXT),
                        "optional": many(TEXT),
                    }
                )
            )
        }
    ),
    "AuditSeal": members(
        {
            "number": COUNT,
            "sealed_at": MOMENT,
            "first_at": MOMENT,
            "last_at": MOMENT,
            "count": COUNT,
            "late": said(COUNT, "Rows that became visible after the batch before was sealed."),
            "actions": said(by_name(COUNT), "How many rows of each action."),
            "root": said(TEXT, "Root of the Merkle tree over the rows (RFC 6962)."),
            "previous": said(TEXT, "Digest of the batch before."),
            "digest": TEXT,
            "checkpoint": said(TEXT, "All of this, signed: a compact JWS."),
            "rows_removed": said(FLAG, "Whether retention has removed the rows."),
        }
    ),
    "AuditState": members(
        {
            "protected": said(FLAG, "Whether the database refuses changes to the record."),
            "sealing_lag_seconds": COUNT,
            "head": {"anyOf": [named("AuditSeal"), {"type": "null"}]},
            "last_verification": maybe(
                members({"finished_at": MOMENT, "error": TEXT, "result": ANY_OBJECT})
            ),
            "copies": many(
                members(
                    {
                        "name": TEXT,
                        "seal": COUNT,
                        "failures": COUNT,
                        "error": TEXT,
                        "updated_at": MOMENT,
                    }
                )
            ),
        }
    ),
    "AuditKeys": members({"keys": many(said(ANY_OBJECT, "A public key as JWK."))}),
    "AuditReport": members(
        {
            "first": COUNT,
            "last": COUNT,
            "valid": FLAG,
            "seals": COUNT,
            "rows": COUNT,
            "late": COUNT,
            "erased": said(COUNT, "Rows whose address was erased."),
            "removed": said(COUNT, "Batches whose rows retention has removed."),
            "found": said(COUNT, "How many findings there are; not all may be listed."),
            "head": COUNT,
            "head_digest": TEXT,
            "findings": many(FINDING),
        }
    ),
}
