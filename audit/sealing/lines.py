"""The chain as a file: one JSON object a line, which can be verified without this server.

First what the file is, then the public keys, then each batch followed by its rows, at last the
rows that stand in no batch yet. No Django here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from audit.sealing import checkpoint
from audit.sealing.canonical import encode
from audit.sealing.chain import Batch, Finding, Member, Report, Verifier

KIND: Final = "authplane-audit-export"
VERSION: Final = 1


class BadExport(Exception):
    """The file is no export of a record, or is damaged. The text says in which line."""


def lines_of(
    chain: Iterable[Batch], *, keys: list[checkpoint.Jwk], waiting: Iterable[dict[str, Any]]
) -> Iterator[str]:
    """The lines of the file."""
    yield _line("export", kind=KIND, version=VERSION)
    for jwk in keys:
        yield _line("key", jwk=jwk)
    for batch in chain:
        members = [[one.event, one.position, one.leaf.hex()] for one in batch.members]
        yield _line(
            "seal", header=batch.header, digest=batch.digest, checkpoint=batch.checkpoint,
            removal=batch.removal, members=members,
        )  # fmt: skip
        for row in sorted(batch.rows.values(), key=lambda row: str(row["id"])):
            yield _line("event", seal=batch.number, row=row)
    for row in waiting:
        yield _line("event", seal=None, row=row)


def verify_lines(
    lines: Iterable[str], *, trusted: list[checkpoint.Jwk], anchored: list[str] | None = None
) -> Report:
    """The chain of a file, by trusted public keys and those that they named as successors.

    Raises: BadExport.
    """
    reader = _Reader(lines)
    keys = checkpoint.successors(
        trusted, [(jwk, jwk.get("endorsement", "")) for jwk in reader.keys]
    )
    verifier = Verifier(keys)
    for batch in reader.batches():
        verifier.take(batch)
    for event in reader.strays:
        text = "stands behind a batch that it is not in"
        verifier.report.add(Finding("inserted_row", text, 0, event))
    verifier.compare(anchored or [])
    return verifier.report


class _Reader:
    """Reads one batch at a time: a file of any size needs little memory."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.numbered = enumerate(lines, start=1)
        self.keys: list[checkpoint.Jwk] = []
        self.strays: list[str] = []
        self.pending: dict[str, Any] | None = None
        first = self._next()
        if first is None or (first.get("kind"), first.get("version")) != (KIND, VERSION):
            raise BadExport("line 1: not an export of an audit record, or of another release")
        while (entry := self._next()) is not None and entry["type"] == "key":
            self.keys.append(entry["jwk"])
        self.pending = entry

    def batches(self) -> Iterator[Batch]:
        entry = self.pending
        while entry is not None:
            if entry["type"] != "seal":
                entry = self._next()
                continue
            batch = _batch(entry)
            while (entry := self._next()) is not None and entry["type"] == "event":
                if entry["seal"] == batch.number:
                    batch.rows[entry["row"]["id"]] = entry["row"]
                elif entry["seal"] is not None:
                    self.strays.append(entry["row"]["id"])
            yield batch

    def _next(self) -> dict[str, Any] | None:
        number, text = next(self.numbered, (0, ""))
        if not number:
            return None
        try:
            entry = json.loads(text)
            kind = entry["type"]
        except (ValueError, TypeError, KeyError):
            raise BadExport(f"line {number}: not a line of an export") from None
        if kind not in {"export", "key", "seal", "event"}:
            raise BadExport(f"line {number}: of no known type")
        known: dict[str, Any] = entry
        return known


def _batch(entry: dict[str, Any]) -> Batch:
    members = [Member(event, at, bytes.fromhex(leaf)) for event, at, leaf in entry["members"]]
    return Batch(entry["header"], entry["digest"], entry["checkpoint"], entry["removal"], members)


def _line(kind: str, /, **members: Any) -> str:
    return encode({"type": kind, **members}) + "\n"
