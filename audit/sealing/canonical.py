"""One text for one row, from which anybody can compute the same digest.

The text is a JSON object of the columns: members in the order of their names, no white space,
everything outside of ASCII escaped. No Django here: whoever checks a file needs none.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from authplane.core.hashing import sha256

FORMAT: Final = 1
COLUMNS: Final[dict[int, tuple[str, ...]]] = {
    1: (
        "id", "created_at", "action", "actor_id", "client_id", "detail", "request_id", "trace_id",
        "personal_digest",
    ),
}  # fmt: skip
"""Which columns the digest of a row covers, by the format of its batch.

A new column of the record makes a new format; batches of older ones are verified as they were
sealed. What is personal is covered by its digest alone, so that it can be forgotten.
"""

ROW: Final = b"\x00"
HEADER: Final = b"\x02"

quoted: Final = json.encoder.encode_basestring_ascii
encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def shown_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with every value as JSON has it; moments in UTC with six digits of a second."""
    return {name: plain(value) for name, value in row.items()}


def leaf_of(row: Mapping[str, Any], *, version: int = FORMAT) -> bytes:
    """The digest of a row as `shown_row` gives it.

    The first byte tells rows from nodes (RFC 6962 section 2.1): nobody can pass one off as the
    other. Raises: KeyError for a format or a column that is not there.
    """
    return sha256(ROW + encode({name: row[name] for name in COLUMNS[version]}).encode())


def leaf_of_texts(columns: tuple[Any, ...]) -> bytes:
    """What `leaf_of` says of a row of `FORMAT`, whose id and moment are texts already.

    For those who seal row after row: the members stand here in the order of their names, so that
    nothing has to be sorted or put into a dict.
    """
    key, created_at, action, actor, client, detail, request, trace, personal = columns
    text = (
        f'{{"action":{quoted(action)},"actor_id":{quoted(actor)},"client_id":{quoted(client)},'
        f'"created_at":"{created_at}","detail":{encode(detail)},"id":"{key}",'
        f'"personal_digest":{quoted(personal)},"request_id":{quoted(request)},'
        f'"trace_id":{quoted(trace)}}}'
    )
    return sha256(ROW + text.encode())


def header_digest(header: Mapping[str, Any]) -> str:
    """What the next batch names as the one before it, in hexadecimal digits."""
    return sha256(HEADER + encode(header).encode()).hex()


def plain(value: Any) -> Any:
    """One value as JSON has it."""
    if isinstance(value, datetime):
        return moment(value)
    return str(value) if isinstance(value, uuid.UUID) else value


def moment(value: datetime) -> str:
    """A moment as text, exact to the microsecond."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"
