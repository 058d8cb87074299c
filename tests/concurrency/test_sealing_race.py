"""Several sealers at once make one chain, and a transaction that ends late loses nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from audit.models import AuditEvent, AuditKey, AuditSeal, SealedEvent
from audit.sealing import seal
from audit.sealing.stored import verify_stored
from authplane.core import clock
from tests.support.sealed import make_event

AT_ONCE = 4
PATIENCE = 30

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def in_parallel(work, *, count=AT_ONCE):
    """The results of threads that begin together, each on a connection of its own."""
    barrier = threading.Barrier(count)

    def one(_number):
        try:
            barrier.wait(PATIENCE)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(one, range(count)))


def test_sealers_that_meet_make_one_chain(monkeypatch):
    """From the first key on: whoever comes second finds what the first one made."""
    monkeypatch.setattr(seal, "BATCH", 5)
    for nth in range(40):
        make_event(nth=nth)

    results = in_parallel(lambda: seal.seal_waiting(safety=-60)["rows"])

    assert (40, 40, 8) == (sum(results), SealedEvent.objects.count(), AuditSeal.objects.count())
    assert 1 == AuditKey.objects.count()
    report = verify_stored()
    assert (True, 8, 40) == (report.holds, report.seals, report.rows)


def test_writers_do_not_wait_for_a_sealer():
    """And what they write meanwhile is in this batch or in the next one."""
    make_event(at=clock.now() - timedelta(minutes=1))
    with transaction.atomic():
        seal._seal_next(safety=10)
        with ThreadPoolExecutor(max_workers=1) as pool:
            row = pool.submit(_write).result(timeout=PATIENCE)
    assert 1 == AuditSeal.objects.count()

    assert 1 == seal.seal_waiting(safety=-60)["rows"]
    assert 2 == SealedEvent.objects.get(event=row.pk).seal


def test_a_transaction_that_ends_after_the_batch_was_sealed():
    """Its row has a lesser id than rows that are sealed already."""
    written, may_end = threading.Event(), threading.Event()

    def slow():
        try:
            with transaction.atomic():
                row = make_event(at=clock.now() - timedelta(seconds=30), nth=1)
                written.set()
                assert may_end.wait(PATIENCE)
            return row.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        pending = pool.submit(slow)
        assert written.wait(PATIENCE)
        make_event(nth=2)
        assert 1 == seal.seal_waiting(safety=-60)["rows"]
        assert [] == verify_stored().findings
        may_end.set()
        late = pending.result(timeout=PATIENCE)

    assert 1 == seal.sweep_late()["rows"]
    assert (2, 1) == (
        SealedEvent.objects.get(event=late).seal, AuditSeal.objects.get(number=2).late,
    )  # fmt: skip
    assert verify_stored().holds
    assert AuditEvent.objects.count() == SealedEvent.objects.count()


def _write():
    try:
        return make_event(nth=7)
    finally:
        connection.close()
