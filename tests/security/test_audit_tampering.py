"""Whoever changes the record in the database is found: any column of any sealed row, any move."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest

from audit import offline
from audit.exporting import exported
from audit.models import AuditEvent, AuditSeal, SealedEvent, SealRemoval
from audit.sealing import keys
from audit.sealing.lines import BadExport, verify_lines
from audit.sealing.stored import verify_stored
from tests.support.sealed import make_chain, make_event

EVENT_COLUMNS = [field.attname for field in AuditEvent._meta.concrete_fields]
SEAL_COLUMNS = [field.attname for field in AuditSeal._meta.concrete_fields]


@pytest.fixture
def chain(db):
    return make_chain(3, 4, 2)


def bit_flipped(value):  # noqa: PLR0911 - one for each type
    """The least change of a value of any type."""
    if isinstance(value, uuid.UUID):
        return uuid.UUID(int=value.int ^ 1)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1
    if isinstance(value, str):
        return chr(ord(value[0]) ^ 1) + value[1:] if value else "\1"
    if isinstance(value, dict):
        name = min(value)
        return value | {name: bit_flipped(value[name])}
    if isinstance(value, bytes | memoryview):
        data = bytes(value)
        return bytes([data[0] ^ 1]) + data[1:]
    return value + timedelta(microseconds=1)


def found(**options):
    return [(each.kind, each.event) for each in verify_stored(**options).findings]


def found_offline(**options):
    lines = [*exported("sealed", AuditEvent.objects.all())]
    report = verify_lines(lines, trusted=keys.public_keys(), **options)
    return [(each.kind, each.event) for each in report.findings]


def test_an_untouched_record_holds(chain):
    report = verify_stored()

    assert (True, 3, 9, 3) == (report.holds, report.seals, report.rows, report.head)
    assert [] == found_offline()


@pytest.mark.parametrize("column", EVENT_COLUMNS)
@pytest.mark.parametrize("place", [(0, 0), (1, 3), (2, 1)])
def test_one_bit_in_any_column_of_any_row(chain, column, place):
    row = chain[place[0]][place[1]]
    changed = bit_flipped(getattr(row, column))
    AuditEvent.objects.filter(pk=row.pk).update(**{column: changed})

    expected = "removed_row" if column == "id" else "altered_row"
    expected = "altered_personal" if column == "personal" else expected
    for findings in (found(), found_offline()):
        assert (expected, str(row.pk)) in findings


@pytest.mark.parametrize("column", SEAL_COLUMNS)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_bit_in_any_column_of_any_batch(chain, column, number):
    value = getattr(AuditSeal.objects.get(number=number), column)
    changed = 99 + number if column == "number" else bit_flipped(value)
    AuditSeal.objects.filter(number=number).update(**{column: changed})

    assert found()
    assert found_offline()


@pytest.mark.parametrize("column", ["event", "seal", "position", "leaf"])
def test_one_bit_in_any_column_of_any_place(chain, column):
    row = chain[1][1]
    value = getattr(SealedEvent.objects.get(event=row.pk), column)
    changed = 99 if isinstance(value, int) else bit_flipped(value)
    SealedEvent.objects.filter(event=row.pk, seal=2).update(**{column: changed})

    assert found()


def test_a_row_and_its_kept_digest_altered_together(chain):
    """The root tells that the batch was altered. Which row it was, nothing kept can tell."""
    from audit.sealing.canonical import leaf_of, shown_row

    row = chain[1][2]
    AuditEvent.objects.filter(pk=row.pk).update(actor_id="somebody-else")
    told = shown_row(AuditEvent.objects.filter(pk=row.pk).values()[0])
    SealedEvent.objects.filter(event=row.pk).update(leaf=leaf_of(told))

    assert [("altered_batch", "")] == found() == found_offline()
    assert [2] == [each.seal for each in verify_stored().findings]


def test_a_kept_digest_altered_alone_does_not_accuse_the_row_alone(chain):
    row = chain[1][2]
    SealedEvent.objects.filter(event=row.pk).update(leaf=b"\0" * 32)

    assert "the rows are as signed, their kept digests not" in [
        each.text for each in verify_stored().findings
    ]


def test_a_row_removed(chain):
    row = chain[1][0]
    AuditEvent.objects.filter(pk=row.pk).delete()

    assert [("removed_row", str(row.pk))] == found() == found_offline()


def test_a_row_removed_with_all_that_was_known_of_it(chain):
    row = chain[1][0]
    AuditEvent.objects.filter(pk=row.pk).delete()
    SealedEvent.objects.filter(event=row.pk).delete()

    assert [("removed_row", "")] == found() == found_offline()
    assert "the row at place 0" in verify_stored().findings[0].text


def test_a_row_taken_out_of_its_batch(chain):
    row = chain[1][0]
    SealedEvent.objects.filter(event=row.pk).delete()

    assert ("removed_row", "") in found()


def test_a_row_put_into_a_batch(chain):
    forged = make_event(at=chain[1][0].created_at, nth=77, actor_id="forged")
    SealedEvent.objects.create(event=forged.pk, seal=2, position=4, leaf=b"\0" * 32)

    for findings in (found(), found_offline()):
        assert ("inserted_row", str(forged.pk)) in findings


def test_two_rows_that_change_places(chain):
    one, other = chain[1][0], chain[1][2]
    SealedEvent.objects.filter(event=one.pk).update(position=50)
    SealedEvent.objects.filter(event=other.pk).update(position=0)
    SealedEvent.objects.filter(event=one.pk).update(position=2)

    assert ("reordered_rows", str(one.pk)) in found()
    assert ("reordered_rows", str(one.pk)) in found_offline()


def test_two_rows_that_change_what_they_say(chain):
    one, other = chain[1][0], chain[1][2]
    for row, told in ((one, other), (other, one)):
        AuditEvent.objects.filter(pk=row.pk).update(detail=told.detail, actor_id="x")

    assert [("altered_row", str(one.pk)), ("altered_row", str(other.pk))] == found()


def test_a_batch_in_the_middle_removed(chain):
    numbers = AuditSeal.objects.filter(number=2)
    AuditEvent.objects.filter(pk__in=[row.pk for row in chain[1]]).delete()
    SealedEvent.objects.filter(seal=2).delete()
    numbers.delete()

    assert [("missing_seal", "")] == found() == found_offline()


def test_the_newest_batches_cut_off_are_missed_by_whoever_kept_a_checkpoint(chain):
    anchored = [AuditSeal.objects.get(number=3).checkpoint]
    AuditEvent.objects.filter(pk__in=[row.pk for row in chain[2]]).delete()
    SealedEvent.objects.filter(seal=3).delete()
    AuditSeal.objects.filter(number=3).delete()

    assert [] == found()
    assert [("truncated", "")] == found(anchored=anchored) == found_offline(anchored=anchored)


def test_batches_cut_off_while_their_rows_stay_are_found_without(chain):
    AuditSeal.objects.filter(number=3).delete()

    assert {("truncated", str(row.pk)) for row in chain[2]} == set(found())


def test_a_chain_made_anew_is_not_the_one_that_was_anchored(chain):
    """With the key and the database everything can be made again, except what others keep."""
    from audit.sealing.seal import seal_waiting

    anchored = [*AuditSeal.objects.values_list("checkpoint", flat=True)]
    AuditEvent.objects.filter(pk=chain[0][0].pk).delete()
    SealedEvent.objects.all().delete()
    AuditSeal.objects.all().delete()
    seal_waiting(safety=-60)

    assert [] == found()
    kinds = {kind for kind, _ in found(anchored=anchored)}
    assert kinds == {"rewritten", "truncated"}


def test_a_checkpoint_that_nobody_signed_proves_nothing(chain):
    other = AuditSeal.objects.get(number=3).checkpoint.rpartition(".")[0]

    assert [("forged_anchor", "")] == found(anchored=[f"{other}.{'A' * 86}"])


def test_a_removal_that_nobody_signed_removes_nothing(chain):
    moment = chain[0][0].created_at
    SealRemoval.objects.create(seal=1, removed_at=moment, statement="e30.e30.AAAA")
    AuditEvent.objects.filter(pk__in=[row.pk for row in chain[0]]).delete()
    SealedEvent.objects.filter(seal=1).delete()

    assert [("forged_removal", "")] == found() == found_offline()


def test_a_removal_of_one_batch_does_not_serve_for_another(chain):
    from audit.retention import remove_before

    remove_before(chain[0][-1].created_at + timedelta(microseconds=1))
    statement = SealRemoval.objects.get(seal=1)
    SealRemoval.objects.create(
        seal=3, removed_at=statement.removed_at, statement=statement.statement
    )
    AuditEvent.objects.filter(pk__in=[row.pk for row in chain[2]]).delete()
    SealedEvent.objects.filter(seal=3).delete()

    assert [("forged_removal", "")] == found()


def test_a_part_of_the_chain_can_be_verified_alone(chain):
    AuditEvent.objects.filter(pk=chain[0][0].pk).update(actor_id="x")

    assert [] == found(first=2)
    assert [] == found(first=2, last=2)
    assert [("altered_row", str(chain[0][0].pk))] == found(first=1, last=1)


# --- the same for a file --------------------------------------------------------------------


def lines_of(chain):
    return [*exported("sealed", AuditEvent.objects.all())]


@pytest.mark.parametrize("column", [name for name in EVENT_COLUMNS if name != "id"])
def test_a_file_whose_rows_were_edited(chain, column):
    lines = lines_of(chain)
    at = next(n for n, line in enumerate(lines) if json.loads(line)["type"] == "event")
    entry = json.loads(lines[at])
    entry["row"][column] = bit_flipped(entry["row"][column])
    lines[at] = json.dumps(entry)

    findings = verify_lines(lines, trusted=keys.public_keys()).findings
    assert {entry["row"]["id"]} == {found.event for found in findings}


@pytest.mark.parametrize("at", range(1, 14))
def test_a_file_that_lacks_a_line(chain, at):
    """A key, a batch, a row: each is missed, and the end of the chain only by an anchor."""
    anchored = [AuditSeal.objects.get(number=3).checkpoint]
    lines = lines_of(chain)
    lost = json.loads(lines.pop(at))
    if lost["type"] == "key":
        return

    assert not verify_lines(lines, trusted=keys.public_keys(), anchored=anchored).holds


def test_a_file_signed_by_others_is_not_believed(chain, tmp_path, capsys):
    """The keys in the file prove nothing: only the one that the reader brings does."""
    file, key = tmp_path / "export.jsonl", tmp_path / "key.json"
    file.write_text("".join(lines_of(chain)), encoding="utf-8")
    (jwk,) = keys.public_keys()
    key.write_text(json.dumps({"keys": [jwk]}), encoding="utf-8")
    assert 0 == offline.main([str(file), "--key", str(key)])

    other = jwk | {"x": jwk["y"], "y": jwk["x"]}
    key.write_text(json.dumps(other), encoding="utf-8")
    capsys.readouterr()
    assert 1 == offline.main([str(file), "--key", str(key)])
    assert "forged_seal" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"type":"export","kind":"x"}'])
def test_what_is_no_export_is_refused(text, tmp_path):
    file, key = tmp_path / "export.jsonl", tmp_path / "key.json"
    file.write_text(text, encoding="utf-8")
    key.write_text('{"keys": []}', encoding="utf-8")

    assert 2 == offline.main([str(file), "--key", str(key)])
    with pytest.raises(BadExport):
        verify_lines(text.splitlines(), trusted=[])
