"""Answers for people: tables, aligned members, and sentences that say what to do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from admin_api.commands.catalogue import Command, commands, singular
from admin_api.commands.running import Answer

WIDEST: Final = 48
"""Characters of a cell of a table; what is longer is cut."""

FIRST: Final[tuple[str, ...]] = (
    "id", "jti", "kid", "client_id", "slug", "name", "client_name", "display_name", "email",
    "action", "status", "state", "enabled", "role",
)  # fmt: skip
"""Members that tables begin with."""

LAST: Final = ("created_at", "issued_at", "expires_at")
SHOWN_ONCE: Final = frozenset({"client_secret", "admin_key", "api_key", "key", "token", "secrets"})
ONCE: Final = "is shown this once; nothing can show it again"
_NOT_PLAIN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
"""What could move a terminal's cursor, or make a text read otherwise than it is."""


def plain(value: Any) -> str:
    """A value in one line of visible characters."""
    if value is None:
        text = "-"
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, list) and not any(isinstance(entry, dict | list) for entry in value):
        text = ", ".join(map(str, value)) or "-"
    elif isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False) if value else "-"
    else:
        text = str(value)
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def table(rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str] = ()) -> Iterator[str]:
    """Lines: one for each row, below one with the names of the columns."""
    names = list(columns) or _columns(rows)
    cut = _cut if not columns else str
    cells = [[name.upper() for name in names]]
    # An id that is cut is of no use: what identifies a row is always whole.
    cells += [
        [plain(row.get(name)) if name in FIRST[:4] else cut(plain(row.get(name))) for name in names]
        for row in rows
    ]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    for line in cells:
        yield "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that fit the terminal: what identifies a row, what is short, and when."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    simple = [
        name for name in names
        if any(row.get(name) for row in rows)
        and not any(isinstance(row.get(name), dict) for row in rows)
    ]  # fmt: skip
    order = [name for name in FIRST if name in simple]
    order += [name for name in simple if name not in {*FIRST, *LAST}]
    last = [name for name in LAST if name in simple][:1]
    left = shutil.get_terminal_size((140, 24)).columns - sum(
        _width(rows, name) + 2 for name in last
    )
    taken: list[str] = []
    for name in order:
        left -= _width(rows, name) + 2
        if left < 0 and taken:
            break
        taken.append(name)
    return [*taken, *last]


def _width(rows: Sequence[Mapping[str, Any]], name: str) -> int:
    return max(len(name), *(min(len(plain(row.get(name))), WIDEST) for row in rows))


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def single(document: Mapping[str, Any], *, indent: str = "") -> Iterator[str]:
    """Lines of `name  value`; objects inside are indented, lists of objects a line each."""
    width = max((len(name) for name in document), default=0)
    for name, value in document.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{plain(name)}"
            yield from single(value, indent=f"{indent}  ")
        elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
            yield f"{indent}{plain(name)}"
            yield from (f"{indent}  {line}" for line in _several(value))
        else:
            yield f"{indent}{plain(name).ljust(width)}  {plain(value)}".rstrip()


def _several(entries: Sequence[Any]) -> Iterator[str]:
    """A table, where the entries are alike and shallow; else one in JSON a line."""
    if all(isinstance(entry, dict) and not _holds_objects(entry) for entry in entries):
        yield from table(entries)
    else:
        yield from map(plain, entries)


def _holds_objects(entry: Mapping[str, Any]) -> bool:
    return any(isinstance(value, dict) for value in entry.values())


def remaining(command: Command, document: Mapping[str, Any], *, shown: int) -> str:
    """What a list did not show, and how to see it; empty when it showed everything."""
    total = document.get("total", shown)
    noun = command.operation.listed.replace("_", " ")
    if not total:
        return f"no {noun}"
    if not document.get("next_cursor"):
        return ""
    return f"{shown} of {total} {noun}; the others: --all, or --cursor {document['next_cursor']}"


def done(command: Command) -> str:
    """What is said where the answer has no body."""
    ending = {"remove": "removed", "revoke": "revoked"}.get(command.verb, f"{command.verb}: done")
    return f"{singular(command.noun).replace('-', ' ')} {ending}"


def refused(command: Command, answer: Answer) -> Iterator[str]:
    """Sentences for a refusal: what is wrong, and what to do."""
    document = answer.document or {}
    text = plain(document.get("error_description") or document.get("detail") or "it failed")
    yield f"{text[:1].upper()}{text[1:]}."
    for dependent in document.get("dependents", ()):
        yield f"  {plain(dependent)}"
    yield from _advice(command, answer)


def _advice(command: Command, answer: Answer) -> Iterator[str]:
    name = f"authplane {command.noun}"
    if answer.status == 404 and "list" in commands()[command.noun]:  # noqa: PLR2004 - HTTP
        yield f"See what there is: {name} list"
    if answer.status in {409, 412}:
        switch = next(
            (name for name in ("cascade", "force") if name in command.operation.query), ""
        )
        if switch:
            yield f"To do it all the same: --{switch}"
        elif answer.status == 412:  # noqa: PLR2004 - HTTP
            yield f"Somebody changed it meanwhile. Look at it again: {name} show"
    if answer.status == 400:  # noqa: PLR2004 - HTTP
        yield f"See: {name} {command.verb} --help"
    if answer.status == 503:  # noqa: PLR2004 - HTTP
        yield f"Try again in {answer.headers.get('Retry-After', '30')} s."
    if answer.status == 500:  # noqa: PLR2004 - HTTP
        yield "The cause is in the log above. `authplane doctor` checks the deployment."
