"""Query parameters by name, for the specification. Those that are absent here are any text."""

from __future__ import annotations

from typing import Final

from authplane.core.openapi.shapes import ID, MOMENT, Schema, one_of

SWITCH: Final = one_of("true", "false")

QUERY: Final[dict[str, Schema]] = {
    "force": {"schema": SWITCH, "description": "Also while live tokens depend on it."},
    "cascade": {"schema": SWITCH, "description": "Together with what depends on it."},
    "dry_run": {"schema": SWITCH, "description": "Every check is made, and nothing is stored."},
    "active": {"schema": SWITCH, "description": "Those that count now, or the others."},
    "since": {"schema": MOMENT, "description": "Not before this moment."},
    "until": {"schema": MOMENT, "description": "Before this moment."},
    "format": {"schema": one_of("jsonl", "csv", "sealed")},
    "user_id": {"schema": ID},
    "user_group_id": {"schema": ID},
    "idp_id": {"schema": ID},
    "broker_provider_id": {"schema": ID},
    "proxy_id": {"schema": {"type": "integer", "minimum": 1}},
    "url": {"schema": {"type": "string"}, "required": True},
}  # fmt: skip
