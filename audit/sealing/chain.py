"""Whether a chain of batches and the rows in them are what was signed, and what is not.

Needs the batches, the rows and public keys: no database and no Django.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from audit.sealing import checkpoint
from audit.sealing.canonical import COLUMNS, header_digest, leaf_of
from audit.sealing.merkle import root_of
from authplane.core.hashing import sha256_hex

MOST: Final = 1000
"""Findings that are told; the others are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was sealed. `event` is empty where it concerns a batch."""

    kind: str
    text: str
    seal: int = 0
    event: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A row's place in its batch, and its digest when it was sealed."""

    event: str
    position: int
    leaf: bytes


@dataclass(slots=True)
class Batch:
    """One batch as it is stored. `header` and `rows` are in the form of `shown_row`.

    A row has its column `personal` besides those that its digest covers.
    """

    header: dict[str, Any]
    digest: str
    checkpoint: str
    removal: str = ""
    members: list[Member] = field(default_factory=list)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Its place in the chain, from 1."""
        number: int = self.header["number"]
        return number


@dataclass(slots=True)
class Report:
    """What a verification saw."""

    seals: int = 0
    rows: int = 0
    late: int = 0
    erased: int = 0
    removed: int = 0
    found: int = 0
    head: int = 0
    head_digest: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.found

    def add(self, finding: Finding) -> None:
        """One thing more is wrong."""
        self.found += 1
        if len(self.findings) < MOST:
            self.findings.append(finding)

    def shown(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {"valid": self.holds, **asdict(self)}


class Verifier:
    """Takes batches in their order, and says what is wrong with each and with all of them.

    ``previous`` is what the first batch that is taken has to name as the one before it.
    """

    def __init__(
        self, keys: list[checkpoint.Jwk], *, first: int = 1, previous: str = checkpoint.FIRST
    ) -> None:
        self.keys = keys
        self.report = Report(head=first - 1, head_digest=previous)
        self.digests: dict[int, str] = {}

    def take(self, batch: Batch) -> None:
        """The batch and its rows are compared with what was signed."""
        for finding in self._judged(batch):
            self.report.add(finding)
        self.report.seals += 1
        self.report.rows += len(batch.rows)
        self.report.late += int(batch.header["late"])
        self.report.erased += sum(
            not row["personal"] and bool(row["personal_digest"]) for row in batch.rows.values()
        )
        self.report.removed += bool(batch.removal)
        self.report.head, self.report.head_digest = batch.number, batch.digest
        self.digests[batch.number] = batch.digest

    def compare(self, anchored: list[str]) -> None:
        """Checkpoints that were kept elsewhere stand in the chain.

        Only these show that the newest batches were cut off, rows and all.
        """
        for token in anchored:
            said = checkpoint.read(token, typ=checkpoint.CHECKPOINT, keys=self.keys)
            if said is None:
                self._add("forged_anchor", "no known key has signed an anchored checkpoint")
                continue
            number = int(said["number"])
            if number > self.report.head:
                self._add("truncated", f"batch {number} was anchored and is gone", seal=number)
            elif self.digests.get(number, header_digest(said)) != header_digest(said):
                self._add("rewritten", f"batch {number} was another when anchored", seal=number)

    def _add(self, kind: str, text: str, *, seal: int = 0) -> None:
        self.report.add(Finding(kind, text, seal))

    def _judged(self, batch: Batch) -> Iterator[Finding]:
        number = batch.number
        if number != self.report.head + 1:
            text = f"batches {self.report.head + 1} to {number - 1} are missing"
            yield Finding("missing_seal", text, number)
        elif batch.header["previous"] != self.report.head_digest:
            yield Finding("broken_chain", "names another batch as the one before it", number)
        yield from self._header_judged(batch)
        if batch.removal:
            yield from self._removal_judged(batch)
        else:
            yield from rows_judged(batch)

    def _header_judged(self, batch: Batch) -> Iterator[Finding]:
        said = checkpoint.read(batch.checkpoint, typ=checkpoint.CHECKPOINT, keys=self.keys)
        if said is None:
            yield Finding("forged_seal", "no known key has signed its checkpoint", batch.number)
            said = batch.header
        differing = sorted(
            name for name in {*said, *batch.header} if said.get(name) != batch.header.get(name)
        )
        if differing:
            text = f"not as signed: {', '.join(differing)}"
            yield Finding("altered_seal", text, batch.number)
        if header_digest(batch.header) != batch.digest:
            yield Finding("altered_seal", "not as signed: digest", batch.number)

    def _removal_judged(self, batch: Batch) -> Iterator[Finding]:
        said = checkpoint.read(batch.removal, typ=checkpoint.REMOVAL, keys=self.keys) or {}
        if (said.get("seal"), said.get("digest")) != (batch.number, batch.digest):
            yield Finding("forged_removal", "nobody signed that its rows go", batch.number)
        for event in batch.rows or [member.event for member in batch.members]:
            text = "in a batch whose rows were removed"
            yield Finding("inserted_row", text, batch.number, str(event))


def rows_judged(batch: Batch) -> Iterator[Finding]:
    """What is wrong with the rows of a batch and with their places in it."""
    number, count = batch.number, int(batch.header["count"])
    members = sorted(batch.members, key=lambda member: member.position)
    taken = {member.position for member in members}
    for position in sorted(set(range(count)) - taken):
        text = f"the row at place {position} is gone, and what was known of it"
        yield Finding("removed_row", text, number)
    named = len(taken) < count
    computed: list[bytes] = []
    before = ""
    for member in members:
        row = batch.rows.get(member.event)
        found = list(_member_judged(member, row, batch=batch, count=count))
        if member.event <= before:
            found.append(Finding("reordered_rows", "out of its place", number, member.event))
        before = max(before, member.event)
        named = named or any(finding.kind != "altered_personal" for finding in found)
        computed.append(_leaf(row, batch=batch) if row else member.leaf)
        yield from found
    stored = [member.leaf for member in members]
    if named and computed != stored and root_of(computed).hex() == batch.header["root"]:
        yield Finding("altered_seal", "the rows are as signed, their kept digests not", number)
    elif not named and root_of(stored).hex() != batch.header["root"]:
        text = "rows and their kept digests were altered together: the root tells, not which"
        yield Finding("altered_batch", text, number)
    for event in batch.rows.keys() - {member.event for member in members}:
        yield Finding("inserted_row", "not a member of its batch", number, event)


def _member_judged(
    member: Member, row: Mapping[str, Any] | None, *, batch: Batch, count: int
) -> Iterator[Finding]:
    number = batch.number
    if not 0 <= member.position < count:
        yield Finding("inserted_row", "a row more than was signed", number, member.event)
    if row is None:
        yield Finding("removed_row", "gone", number, member.event)
        return
    if _leaf(row, batch=batch) != member.leaf:
        yield Finding("altered_row", "not as sealed", number, member.event)
    personal, digest = row["personal"], row["personal_digest"]
    if personal and sha256_hex(personal) != digest:
        yield Finding("altered_personal", "neither as sealed nor empty", number, member.event)


def _leaf(row: Mapping[str, Any], *, batch: Batch) -> bytes:
    """A digest that fits nothing where the format is none of ours: it was altered."""
    version = batch.header["format"]
    return leaf_of(row, version=version) if version in COLUMNS else b""
