"""`/admin/audit` and what lies below it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest

from audit import protection
from audit.models import AuditEvent, AuditSeal
from audit.sealing import keys
from audit.sealing.lines import verify_lines
from authplane.core import clock
from tests.support.sealed import make_chain, make_event

HOUR = timedelta(hours=1)


def moment(value):
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def text_of(answer):
    return b"".join(answer.streaming_content).decode()


def names(answer):
    return [event["actor_id"] for event in answer.json()["events"]]


def test_an_event_as_operators_see_it(operator):
    row = make_event(
        action="token.refresh_denied", detail={"family": "f", "reason": "code expired", "z": 2}
    )

    (shown,) = operator.get("/admin/audit").json()["events"]

    assert shown == {
        "id": str(row.pk), "action": "token.refresh_denied", "actor_id": "user-1",
        "client_id": "client-1", "ip": "203.0.113.7",
        "detail": 'reason="code expired" family=f z=2',
        "data": {"reason": "code expired", "family": "f", "z": 2}, "request_id": "r0",
        "trace_id": row.trace_id, "created_at": moment(row.created_at),
    }  # fmt: skip
    assert "salt" not in json.dumps(shown)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["b", "a"]),
        ("?action=token.issued", ["b"]),
        ("?actor_id=a", ["a"]),
        ("?client_id=one", ["a"]),
        ("?actor_id=a&client_id=two", []),
        ("?actor_id=a%00", ["a"]),
        ("?limit=1", ["b"]),
        ("?limit=1&offset=1", ["a"]),
        ("?offset=2", []),
    ],
)
def test_filters_are_exact_and_the_newest_comes_first(operator, query, expected):
    make_event(nth=1, actor_id="a", client_id="one")
    make_event(nth=2, actor_id="b", client_id="two", action="token.issued")

    assert expected == names(operator.get(f"/admin/audit{query}"))


@pytest.mark.shows("setting", "admin.audit_default_lookback", "admin.audit_max_lookback")
def test_a_query_looks_back_as_far_as_it_may(operator, override_config):
    override_config(admin={"audit_default_lookback": 3600, "audit_max_lookback": 4 * 3600})
    now = clock.now()
    for nth, age in enumerate((10, 2 * 3600, 5 * 3600)):
        make_event(at=now - timedelta(seconds=age), nth=nth, actor_id=f"{age}")

    assert ["10"] == names(operator.get("/admin/audit"))
    since = moment(now - 3 * HOUR)
    assert ["10", "7200"] == names(operator.get(f"/admin/audit?since={since}"))
    until = moment(now - HOUR)
    assert ["7200"] == names(operator.get(f"/admin/audit?since={since}&until={until}"))
    assert 400 == operator.get(f"/admin/audit?since={moment(now - 5 * HOUR)}").status_code


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=1001", "limit=ten", "limit=-1", "offset=100001", "offset=-1",
        "cursor=nonsense", "since=yesterday", "since=2026-01-01", "since=2026-01-01T00:00:00",
        "until=2020-01-01T00:00:00Z", "since=9999-12-31T23:59:59-23:59", "actor=a",
        "action=a&action=b",
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_obeyed_is_refused(operator, query):
    answer = operator.get(f"/admin/audit?{query}")

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


def test_until_lies_after_since(operator):
    now = clock.now()
    since, until = moment(now - HOUR), moment(now - 2 * HOUR)

    assert 400 == operator.get(f"/admin/audit?since={since}&until={until}").status_code


def test_pages_follow_one_another(operator):
    for nth in range(5):
        make_event(nth=nth, actor_id=f"{nth}")

    seen, cursor = [], ""
    while cursor is not None:
        page = operator.get(f"/admin/audit?limit=2{cursor}").json()
        seen += [event["actor_id"] for event in page["events"]]
        assert 5 == page["total"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None

    assert ["4", "3", "2", "1", "0"] == seen


def test_every_action_is_told_with_its_members(operator):
    told = {one["action"]: one for one in operator.get("/admin/audit/actions").json()["actions"]}

    assert ["kid", "alg", "immediate"] == told["key.rotated"]["required"]
    assert "client.reactivated" in told


@pytest.mark.spec(
    "OAuth proxy", "X18", "MUST", "the record is exported, with filters, as lines and as a table"
)
@pytest.mark.shows("audit event", "audit.exported")
def test_rows_as_json_lines(operator):
    rows = [make_event(nth=nth) for nth in range(3)]

    answer = operator.get("/admin/audit/export?action=user.login")

    told = [json.loads(line) for line in text_of(answer).splitlines()]
    assert [str(row.pk) for row in rows] == [one["id"] for one in told]
    assert "attachment" in answer.headers["Content-Disposition"]
    recorded = AuditEvent.objects.get(action="audit.exported")
    assert ("admin", {"format": "jsonl"}) == (recorded.actor_id, recorded.detail)


@pytest.mark.spec(
    "OAuth proxy", "X18", "MUST", "the record is exported, with filters, as lines and as a table"
)
def test_rows_as_a_table_that_no_spreadsheet_runs(operator):
    make_event(actor_id='=HYPERLINK("x")', client_id="a,b")

    text = text_of(operator.get("/admin/audit/export?format=csv&action=user.login"))

    (row,) = csv.DictReader(io.StringIO(text))
    assert ('\'=HYPERLINK("x")', "a,b") == (row["actor_id"], row["client_id"])


def test_exports_come_in_chunks(operator, monkeypatch):
    from audit import exporting

    monkeypatch.setattr(exporting, "CHUNK", 2)
    for nth in range(5):
        make_event(nth=nth)

    text = text_of(operator.get("/admin/audit/export?action=user.login"))
    assert 5 == len(text.splitlines())


def test_the_sealed_record_verifies_elsewhere(operator):
    make_chain(3, 2)
    (jwk,) = operator.get("/admin/audit/keys").json()["keys"]

    lines = text_of(operator.get("/admin/audit/export?format=sealed")).splitlines()

    report = verify_lines(lines, trusted=[jwk])
    assert (True, 2, 5) == (report.holds, report.seals, report.rows)


@pytest.mark.parametrize("query", ["format=xml", "format=sealed&action=a", "limit=ten&x=1"])
def test_an_export_that_cannot_be_made_is_refused(operator, query):
    assert 400 == operator.get(f"/admin/audit/export?{query}").status_code
    assert not AuditEvent.objects.filter(action="audit.exported").exists()


def test_batches_are_listed(operator):
    make_chain(3, 2)

    page = operator.get("/admin/audit/seals").json()

    assert ([2, 1], 2) == ([one["number"] for one in page["seals"]], page["total"])
    second, first = page["seals"]
    assert (first["digest"], 2, False) == (
        second["previous"], second["count"], second["rows_removed"],
    )  # fmt: skip


def test_the_state_of_the_record(operator):
    before = operator.get("/admin/audit/state").json()
    assert (None, None, []) == (before["head"], before["last_verification"], before["copies"])
    make_chain(2)
    protection.install()

    state = operator.get("/admin/audit/state").json()

    assert (True, 1, 0) == (
        state["protected"], state["head"]["number"], state["sealing_lag_seconds"],
    )  # fmt: skip


def test_batches_are_verified_on_demand(operator):
    rows = make_chain(2, 2)
    assert operator.post("/admin/audit/verify", {}).json()["valid"]
    AuditEvent.objects.filter(pk=rows[0][1].pk).update(action="user.logout")

    report = operator.post("/admin/audit/verify", {"first": 1, "last": 2}).json()

    assert (False, 1, 2) == (report["valid"], report["found"], report["last"])
    assert str(rows[0][1].pk) == report["findings"][0]["event"]
    assert operator.post("/admin/audit/verify", {"first": 2}).json()["valid"]


@pytest.mark.parametrize(
    "body", [{"first": 2, "last": 1}, {"last": 9}, {"first": 0}, {"all": True}, {"first": "x"}]
)
def test_batches_that_are_not_there_cannot_be_verified(operator, body):
    make_chain(1, 1)

    assert 400 == operator.post("/admin/audit/verify", body).status_code


def test_a_request_verifies_a_bounded_number_of_batches(operator, monkeypatch):
    from admin_api.viewsets import audit

    monkeypatch.setattr(audit, "MOST_SEALS", 2)
    make_chain(1, 1, 1)

    assert 400 == operator.post("/admin/audit/verify", {"first": 1, "last": 3}).status_code
    assert 2 == operator.post("/admin/audit/verify", {}).json()["seals"]


def test_an_empty_record_verifies(operator):
    assert operator.post("/admin/audit/verify", {}).json()["valid"]
    assert not AuditSeal.objects.exists()
    assert [] == keys.public_keys()


@pytest.mark.parametrize("path", ["", "/export", "/seals", "/keys", "/state", "/actions"])
def test_nobody_reads_the_record_without_a_key(operator, path):
    assert 401 == operator.get(f"/admin/audit{path}", key=None).status_code
