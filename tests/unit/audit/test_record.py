"""What is written with the change, what is written in spite of the refusal, and what is not."""

from __future__ import annotations

import json
import logging

import pytest
from django.db import DatabaseError, transaction

from audit import context, events, record
from audit.models import AuditEvent
from authplane.core.hashing import sha256_hex
from authplane.core.metrics import counter

LOGIN = events.UserLogin(actor_id="user-1")
REFUSED = events.TokenIssueDenied(client_id="client-1", reason="code_expired")


@pytest.fixture
def request_of():
    def begin(**headers):
        context._begin({"REMOTE_ADDR": "203.0.113.7", **headers})

    yield begin
    context._end()
    record._waiting().clear()


def rows():
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def dropped(action):
    return counter("authserver_audit_events_dropped_total").labels(action=action)._value.get()


def test_outside_of_a_request_nothing_personal_is_kept():
    prepared = record.prepare(LOGIN)

    assert ("", "", "") == (prepared.personal, prepared.personal_digest, prepared.request_id)


def test_the_digest_covers_address_and_salt(request_of):
    request_of()

    one, other = record.prepare(LOGIN), record.prepare(LOGIN)

    assert "203.0.113.7" == json.loads(one.personal)["ip"]
    assert 22 == len(json.loads(one.personal)["salt"])
    assert sha256_hex(one.personal) == one.personal_digest
    assert one.personal_digest != other.personal_digest
    assert "203.0.113.7" not in one.detail


def test_the_address_is_the_one_before_the_trusted_proxies(request_of, override_config):
    override_config(server={"trusted_proxies": 1})
    request_of(HTTP_X_FORWARDED_FOR="192.0.2.1, 198.51.100.9")

    assert "198.51.100.9" == context.address()


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_trace_is_taken_from_trusted_proxies_alone(request_of, override_config):
    request_of(HTTP_TRACEPARENT=TRACE)
    assert "" == context.trace_id()

    override_config(server={"trusted_proxies": 1})
    assert "4bf92f3577b34da6a3ce929d0e0e4736" == context.trace_id()


@pytest.mark.parametrize(
    "trace", ["", "garbage", TRACE.upper(), f"00-{'0' * 32}-00f067aa0ba902b7-01"]
)
def test_a_malformed_trace_is_no_trace(request_of, override_config, trace):
    override_config(server={"trusted_proxies": 1})
    request_of(HTTP_TRACEPARENT=trace)

    assert "" == context.trace_id()


def test_ids_longer_than_their_columns_are_cut():
    prepared = record.prepare(events.UserLogin(actor_id="a" * 300, client_id="c" * 600))

    assert (255, 512) == (len(prepared.actor_id), len(prepared.client_id))


@pytest.mark.django_db(transaction=True)
def test_an_event_goes_with_the_transaction_that_records_it(caplog):
    caplog.set_level(logging.INFO, logger="authplane.audit")

    with transaction.atomic():
        record.record(LOGIN)
        transaction.set_rollback(True)

    assert [] == rows()
    assert [] == caplog.records


@pytest.mark.django_db(transaction=True)
def test_a_committed_event_is_logged_with_its_fields(caplog, request_of):
    request_of()
    caplog.set_level(logging.INFO, logger="authplane.audit")

    with transaction.atomic():
        record.record(events.KeyRotated(actor_id="admin", kid="k", alg="ES256", immediate=True))
        assert [] == caplog.records

    (line,) = caplog.records
    assert ("audit", logging.INFO) == (line.getMessage(), line.levelno)
    assert ("key.rotated", "admin", "203.0.113.7") == (line.action, line.actor_id, line.ip)
    assert {"kid": "k", "alg": "ES256", "immediate": True} == json.loads(line.detail)
    assert "salt" not in line.detail
    assert {"kid": "k", "alg": "ES256", "immediate": True} == AuditEvent.objects.get().detail


@pytest.mark.django_db(transaction=True)
def test_a_refusal_survives_the_rollback_around_it(request_of):
    request_of()

    with transaction.atomic():
        record.record(LOGIN)
        record.record_refusal(REFUSED)
        transaction.set_rollback(True)
    assert [] == rows()
    record.write_waiting()

    assert ["token.issue_denied"] == rows()
    assert "203.0.113.7" in AuditEvent.objects.get().personal


@pytest.mark.django_db(transaction=True)
def test_a_refusal_outside_of_a_transaction_is_written_at_once():
    record.record_refusal(REFUSED)

    assert ["token.issue_denied"] == rows()


@pytest.mark.django_db(transaction=True)
def test_one_request_leaves_a_bounded_number_of_refusals(request_of):
    before = dropped("token.issue_denied")

    with transaction.atomic():
        for _ in range(record.MAX_WAITING + 3):
            record.record_refusal(REFUSED)
    record.write_waiting()

    assert record.MAX_WAITING == len(rows())
    assert before + 3 == dropped("token.issue_denied")


@pytest.mark.django_db(transaction=True)
@pytest.mark.shows("metric", "authserver_audit_events_dropped_total")
def test_a_refusal_that_cannot_be_written_is_counted_and_logged(monkeypatch, caplog):
    def full(*args, **kwargs):
        raise DatabaseError

    before = dropped("token.issue_denied")
    monkeypatch.setattr(record, "_insert", full)

    record.record_refusal(REFUSED)

    assert before + 1 == dropped("token.issue_denied")
    (line,) = caplog.records
    assert (logging.ERROR, "token.issue_denied") == (line.levelno, line.action)
    assert [] == rows()


@pytest.mark.django_db(transaction=True)
def test_an_event_that_cannot_be_written_fails_the_change(monkeypatch):
    def full(*args, **kwargs):
        raise DatabaseError

    monkeypatch.setattr(record, "_insert", full)

    with pytest.raises(DatabaseError), transaction.atomic():
        record.record(LOGIN)
