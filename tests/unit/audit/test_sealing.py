"""Rows are sealed in batches that name one another, and nothing slips between two of them."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from audit.models import AuditEvent, AuditSeal, SealedEvent
from audit.sealing import canonical, checkpoint, keys, merkle, seal
from audit.sealing.seal import seal_waiting, sweep_late
from audit.sealing.stored import verify_stored
from authplane.core import clock
from authplane.core.ids import first_uuid7_at, uuid7
from tests.support.figures import Changes
from tests.support.sealed import make_chain, make_event

# Spec: RFC 6962 section 2.1.3 has the shapes; the digests are those of its certificate logs' tests.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
          "606162636465666768696a6b6c6d6e6f"]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("count", ROOTS)
def test_roots_are_those_of_certificate_logs(count):
    leaves = [hashlib.sha256(b"\0" + bytes.fromhex(text)).digest() for text in LEAVES[:count]]

    assert ROOTS[count] == merkle.root_of(leaves).hex()


def test_of_nothing_the_root_is_the_digest_of_nothing():
    assert hashlib.sha256(b"").digest() == merkle.root_of([])


def test_the_digest_of_a_row_covers_every_column_but_the_personal_one():
    """Whoever adds a column to the record makes a new format that covers it."""
    columns = {field.column for field in AuditEvent._meta.concrete_fields}

    assert columns - {"personal"} == set(canonical.COLUMNS[canonical.FORMAT])


def test_the_text_of_a_row_is_the_same_for_everybody():
    row = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "created_at": "2026-03-14T09:26:53.000001Z",
        "action": "user.login", "actor_id": "ü", "client_id": "", "detail": {"b": 1, "a": [True]},
        "request_id": "", "trace_id": "", "personal_digest": "",
    }  # fmt: skip
    text = (
        '{"action":"user.login","actor_id":"\\u00fc","client_id":"",'
        '"created_at":"2026-03-14T09:26:53.000001Z","detail":{"a":[true],"b":1},'
        '"id":"01890a5d-ac96-774b-bcce-b302099a8057","personal_digest":"","request_id":"",'
        '"trace_id":""}'
    )

    assert hashlib.sha256(b"\0" + text.encode()).digest() == canonical.leaf_of(row)


@pytest.mark.django_db
def test_batches_name_one_another_and_say_what_they_hold():
    make_chain(3, 2)

    first, second = AuditSeal.objects.order_by("number")
    assert (1, 3, checkpoint.FIRST) == (first.number, first.count, first.previous)
    assert (2, 2, first.digest) == (second.number, second.count, second.previous)
    assert ({"user.login": 3}, 0) == (first.actions, first.late)
    said = checkpoint.read(second.checkpoint, typ=checkpoint.CHECKPOINT, keys=keys.public_keys())
    assert (second.root, 2) == (said["root"], said["number"])
    assert [0, 1, 2] == [*SealedEvent.objects.filter(seal=1).values_list("position", flat=True)]


@pytest.mark.django_db
@pytest.mark.shows("metric", "authplane_audit_rows_sealed_total")
def test_nothing_new_makes_no_batch(django_capture_on_commit_callbacks):
    with (
        Changes("authplane_audit_rows_sealed_total") as sealed,
        django_capture_on_commit_callbacks(execute=True),
    ):
        make_chain(2)

    assert {"rows": 0, "batches": 0} == seal_waiting(safety=-60)
    assert (1, 2) == (AuditSeal.objects.count(), sealed.by)


@pytest.mark.django_db
def test_rows_of_the_last_seconds_wait_for_those_that_are_under_way():
    make_event(at=clock.now() - timedelta(seconds=seal.SAFETY + 5))
    make_event()

    assert 1 == seal_waiting()["rows"]


@pytest.mark.django_db
def test_batches_are_of_bounded_size(monkeypatch):
    monkeypatch.setattr(seal, "BATCH", 2)
    for nth in range(5):
        make_event(nth=nth)

    assert {"rows": 5, "batches": 3} == seal_waiting(safety=-60)
    assert verify_stored().holds


@pytest.mark.django_db
def test_a_row_that_became_visible_late_has_a_batch_of_its_own():
    """Its transaction began before others that were sealed, and ended after them."""
    ((_, newest),) = make_chain(2)
    late = make_event(at=newest.created_at - timedelta(seconds=30), actor_id="late")

    assert 0 == seal_waiting(safety=-60)["rows"]
    assert {"rows": 1} == sweep_late()

    second = AuditSeal.objects.get(number=2)
    assert (1, 1, newest.pk) == (second.late, second.count, second.upto)
    assert 2 == SealedEvent.objects.get(event=late.pk).seal
    assert {"rows": 0} == sweep_late()
    make_event(nth=9)
    assert 1 == seal_waiting(safety=-60)["rows"]
    assert verify_stored().holds


@pytest.mark.django_db
def test_a_row_that_comes_too_late_is_never_sealed_and_is_named():
    ((newest,),) = make_chain(1)
    forged = make_event(at=newest.created_at - timedelta(seconds=seal.LATE + 10), actor_id="admin")

    assert (0, 0) == (seal_waiting(safety=-60)["rows"], sweep_late()["rows"])

    (found,) = verify_stored().findings
    assert ("inserted_row", str(forged.pk)) == (found.kind, found.event)


@pytest.mark.django_db
def test_a_row_from_the_future_is_named():
    make_chain(1)
    forged = AuditEvent.objects.create(id=uuid.UUID(int=2**128 - 1), action="user.login")

    assert [str(forged.pk)] == [found.event for found in verify_stored().findings]


@pytest.mark.django_db
@pytest.mark.shows("audit event", "audit.key_rotated")
def test_the_key_before_vouches_for_the_next_one():
    make_chain(1)
    (old,) = keys.public_keys()
    new = keys.rotate(actor="admin")
    make_event(nth=5)
    seal_waiting(safety=-60)

    published = keys.public_keys()
    assert [old["kid"], new.kid] == [jwk["kid"] for jwk in published]
    assert not any({"d", "private_sealed"} & set(jwk) for jwk in published)
    offered = [(jwk, jwk.get("endorsement", "")) for jwk in published]
    assert [jwk["kid"] for jwk in checkpoint.successors([old], offered)] == [old["kid"], new.kid]
    assert new.kid == checkpoint.unverified_kid(AuditSeal.objects.get(number=2).checkpoint)
    assert {"kid": new.kid} == AuditEvent.objects.get(action="audit.key_rotated").detail
    assert verify_stored().holds


@pytest.mark.django_db
def test_a_key_that_somebody_added_signs_nothing():
    """Whoever writes to the database can forge all of it, except what the data key sealed."""
    from jwt.algorithms import ECAlgorithm

    make_chain(2)
    from cryptography.hazmat.primitives.asymmetric import ec

    own = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(ECAlgorithm.to_jwk(own.public_key()))
    kid = keys.thumbprint(jwk)
    row = keys.AuditKey.objects.create(kid=kid, public_jwk=jwk, private_sealed=b"x" * 60)
    told = AuditSeal.objects.get()
    header = checkpoint.read(told.checkpoint, typ=checkpoint.CHECKPOINT, keys=keys.public_keys())
    forged = checkpoint.sign(header, kid=row.kid, typ=checkpoint.CHECKPOINT, key=own)
    AuditSeal.objects.update(checkpoint=forged)

    assert ["forged_seal"] == [found.kind for found in verify_stored().findings]


@pytest.mark.django_db
def test_keys_move_to_another_data_key(override_config):
    make_chain(1)
    before = bytes(keys.AuditKey.objects.get().private_sealed)
    override_config(secrets={"data": "07" * 32, "data_old": "05" * 32})

    assert 1 == keys.rewrap().resealed
    assert before != bytes(keys.AuditKey.objects.get().private_sealed)
    override_config(secrets={"data": "07" * 32, "data_old": ""})
    assert verify_stored().holds
    assert 0 == keys.rewrap().resealed


def test_an_hour_late_is_measured_in_ids():
    now = clock.now()

    assert first_uuid7_at(now - timedelta(seconds=seal.LATE)).int >> 80 == (
        seal.earliest_late(first_uuid7_at(now)).int >> 80
    )


@pytest.mark.django_db
def test_a_batch_digests_its_rows_as_anybody_would():
    """The way of those who seal is a shorter one to the very text of `canonical`."""
    odd = {"b": 'say "no"\n', "ä": [1, 2.5, None], "a": {"z": True, "é": "\U0001f511"}}
    AuditEvent.objects.create(
        id=uuid7(), created_at=datetime(2026, 3, 1, 23, 59, 59, 7, tzinfo=UTC),
        action="token.issued", actor_id='"\\é\x7f', client_id="https://c.example/\u2028",
        detail=odd, request_id="r", trace_id="", personal="", personal_digest="00",
    )  # fmt: skip
    columns = canonical.COLUMNS[canonical.FORMAT]
    (row,) = AuditEvent.objects.values(*columns)

    (texts,) = seal._first_of(AuditEvent.objects.all())

    assert canonical.leaf_of_texts(texts) == canonical.leaf_of(canonical.shown_row(row))
