"""Parameters of operations, for the specification."""

from __future__ import annotations

from typing import Final

from admin_api.operations import Operation
from admin_api.pagination import MAX_LIMIT, MAX_OFFSET
from authplane.core.openapi.shapes import ID, MOMENT, TEXT, Schema, one_of

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
"""By name. What is absent here is any text."""

PAGING: Final[dict[str, Schema]] = {
    "limit": {
        "schema": {"type": "integer", "minimum": 1},
        "description": f"How many: at most {MAX_LIMIT}, on some routes more.",
    },
    "offset": {
        "schema": {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET},
        "description": "How many to leave out. Not together with `cursor`.",
    },
    "cursor": {"schema": TEXT, "description": "`next_cursor` of the page before."},
}
IF_MATCH: Final[Schema] = {
    "name": "If-Match",
    "in": "header",
    "schema": TEXT,
    "description": "The `ETag` that the entry was read with: it is changed only while it is still"
    " the same.",
}
IDEMPOTENCY_KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[!-~]{16,255}$"},
    "description": "The same request, sent again under the same key within a day, has its effect"
    " once and gets the first one's answer.",
}


def parameters_of(path: str, said_of_it: Operation, *, method: str) -> list[Schema]:
    """Of the path, of the query, and the header by which a POST is sent again."""
    found = [
        {"name": name, "in": "path", "required": True, "schema": {**TEXT, "minLength": 1}}
        for name in names_in(path)
    ]
    names = [*said_of_it.query, *(PAGING if said_of_it.listed else ())]
    found += [{"name": name, "in": "query", **_query(name)} for name in dict.fromkeys(names)]
    if method == "POST":
        found.append(IDEMPOTENCY_KEY)
    return found


def _query(name: str) -> Schema:
    return PAGING.get(name) or QUERY.get(name) or {"schema": TEXT}


def names_in(path: str) -> list[str]:
    """The parameters of a path."""
    return [part.partition("}")[0] for part in path.split("{")[1:]]
