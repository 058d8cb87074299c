"""What is done about the record on schedule and by command."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from audit import erasure, jobs, protection, retention
from audit.models import AuditEvent, AuditSeal, SealedEvent, SealRemoval
from audit.sealing import keys, stored
from audit.sealing.lines import verify_lines
from audit.sealing.stored import verify_stored
from authplane.core import clock
from tests.support.figures import figures
from tests.support.sealed import make_chain, make_event

DAY = timedelta(days=1)


def run(*arguments):
    out = io.StringIO()
    call_command("audit", *arguments, stdout=out)
    return out.getvalue()


def old_and_new():
    """A batch of yesterday's yesterday, and one of now."""
    for nth in range(3):
        make_event(at=clock.now() - 2 * DAY, nth=nth)
    jobs.seal_waiting(safety=-60)
    return make_chain(2)[0]


@pytest.mark.django_db
@pytest.mark.parametrize("name", jobs.JOBS)
def test_each_job_is_a_task(name):
    from celery import current_app

    import authplane.celery  # noqa: F401 - the application that knows the tasks

    make_event()

    assert isinstance(current_app.tasks[name].delay().get(), dict)
    assert min(jobs.JOBS[name].every, 3600) == authplane_schedule()[name]


def authplane_schedule():
    from authplane.celery import schedule

    return schedule()


@pytest.mark.django_db
@pytest.mark.shows("audit event", "audit.verification_failed")
@pytest.mark.shows(
    "metric",
    "authplane_audit_verify_findings",
    "authplane_audit_last_verified_timestamp_seconds",
)
def test_what_verification_finds_is_recorded_and_measured():
    ((row, _),) = make_chain(2)
    jobs.VERIFY.run()
    assert 0 == figures()["authplane_audit_verify_findings", ""]
    AuditEvent.objects.filter(pk=row.pk).update(action="x")

    result = jobs.VERIFY.run().result

    assert (False, 1) == (result["valid"], result["found"])
    assert 1 == figures()["authplane_audit_verify_findings", ""]
    age = clock.now().timestamp() - figures()["authplane_audit_last_verified_timestamp_seconds", ""]
    assert 0 <= age < 60
    told = AuditEvent.objects.get(action="audit.verification_failed").detail
    assert {"findings": 1, "first": f"altered_row seal=1 event={row.pk}"} == told


@pytest.mark.django_db
@pytest.mark.shows("metric", "authplane_audit_sealing_lag_seconds")
def test_the_lag_is_the_age_of_the_oldest_row_in_no_batch():
    make_event(at=clock.now() - timedelta(seconds=100))
    assert 100 <= figures()["authplane_audit_sealing_lag_seconds", ""] < 160

    jobs.seal_waiting()

    assert 0 == figures()["authplane_audit_sealing_lag_seconds", ""]


@pytest.mark.django_db
@pytest.mark.shows("setting", "audit.retention")
@pytest.mark.shows("audit event", "audit.rows_removed")
def test_rows_past_their_time_go_and_their_summary_stays(override_config):
    new = old_and_new()
    protection.install()
    assert {"rows": 0, "seals": 0} == retention.remove_past_retention()
    override_config(audit={"retention": 86400})

    assert {"rows": 3, "seals": 1} == retention.remove_past_retention()

    kept = AuditEvent.objects.filter(action="user.login").order_by("pk")
    assert [row.pk for row in new] == [row.pk for row in kept]
    first = AuditSeal.objects.get(number=1)
    assert (3, {"user.login": 3}) == (first.count, first.actions)
    told = AuditEvent.objects.get(action="audit.rows_removed").detail
    assert {"first_seal": 1, "last_seal": 1, "rows": 3} == told
    report = verify_stored()
    assert (True, 1, 2) == (report.holds, report.removed, report.seals)
    assert {"rows": 0, "seals": 0} == retention.remove_past_retention()


@pytest.mark.django_db
def test_rows_that_were_never_sealed_stay(override_config):
    make_event(at=clock.now() - 900 * DAY)
    override_config(audit={"retention": 86400})

    assert {"rows": 0, "seals": 0} == retention.remove_past_retention()
    assert 1 == AuditEvent.objects.count()


@pytest.mark.django_db
def test_rows_that_a_stream_has_not_taken_stay(override_config):
    from audit.cursors import advance, cursor

    old_and_new()
    override_config(audit={"retention": 86400, "cef_address": "udp://127.0.0.1:1"})
    assert {"rows": 0, "seals": 0} == retention.remove_past_retention()

    advance(cursor("stream:cef"), seal=1)

    assert {"rows": 3, "seals": 1} == retention.remove_past_retention()


@pytest.mark.django_db
@pytest.mark.shows("audit event", "audit.personal_erased")
def test_a_person_is_forgotten_and_the_record_holds(monkeypatch):
    monkeypatch.setattr(erasure, "BATCH", 2)
    make_chain(3)
    make_event(nth=8, actor_id="somebody-else")
    protection.install()

    assert 3 == erasure.erase_personal("user-1", actor="admin")

    shown = AuditEvent.objects.order_by("pk").values_list("actor_id", "personal")
    assert [actor for actor, personal in shown if personal] == ["somebody-else"]
    told = AuditEvent.objects.get(action="audit.personal_erased")
    assert ("admin", {"user": "user-1", "rows": 3}) == (told.actor_id, told.detail)
    jobs.seal_waiting(safety=-60)
    report = verify_stored()
    assert (True, 3) == (report.holds, report.erased)
    assert "203.0.113.7" not in run("export").replace("somebody-else", "").split('"n8"')[0]
    assert 0 == erasure.erase_personal("user-1") == erasure.erase_personal("")


@pytest.mark.django_db
def test_commands_seal_verify_and_export(tmp_path):
    make_event(at=clock.now() - DAY)
    assert {"rows": 1, "batches": 1, "late": 0} == json.loads(run("seal", "--json"))
    report = json.loads(run("verify", "--json"))
    assert (True, 1) == (report["valid"], report["rows"])
    key, file = tmp_path / "keys.json", tmp_path / "record.jsonl"
    key.write_text(run("keys"))
    run("export", "--output", str(file))

    assert "valid=True" in run("verify", "--file", str(file), "--key", str(key))
    assert json.loads(run("verify", "--key", str(key), "--json"))["valid"]
    with pytest.raises(CommandError, match="exist"):
        run("export", "--output", str(file))
    with pytest.raises(CommandError, match="--key"):
        run("verify", "--file", str(file))


@pytest.mark.django_db
def test_a_command_that_finds_something_fails_and_names_it(capsys):
    ((row,),) = make_chain(1)
    AuditEvent.objects.filter(pk=row.pk).update(action="x")
    out = io.StringIO()

    with pytest.raises(CommandError, match="1 findings"):
        call_command("audit", "verify", stdout=out)

    assert f"altered_row: seal 1 {row.pk}" in out.getvalue()


@pytest.mark.django_db
def test_a_key_that_the_pinned_one_does_not_know_is_told(tmp_path):
    make_chain(1)
    pinned = tmp_path / "keys.json"
    pinned.write_text(run("keys"))
    run("rotate-key")
    assert json.loads(run("verify", "--key", str(pinned), "--json"))["valid"]
    keys.AuditKey.objects.exclude(endorsement="").update(endorsement="")

    with pytest.raises(CommandError, match="vouch"):
        run("verify", "--key", str(pinned))


@pytest.mark.django_db
@pytest.mark.parametrize("age", ["never", "0"])
def test_an_age_that_is_none_removes_nothing(age):
    old_and_new()

    with pytest.raises(CommandError, match="--older-than"):
        run("retain", "--older-than", age)
    assert not SealRemoval.objects.exists()


@pytest.mark.django_db
def test_the_other_commands():
    old_and_new()

    assert "rows=3" in run("retain", "--older-than", "1d")
    assert {2} == set(SealedEvent.objects.values_list("seal", flat=True))
    assert "rows=2" in run("erase", "user-1")
    assert "protected=True" in run("protect")
    assert 'GRANT SELECT, INSERT ON audit_auditevent TO "app"' in run("grants", "app")
    assert "anchored=" in run("anchor")
    run("stream")


@pytest.mark.django_db
def test_an_export_made_before_and_after_retention_verifies(override_config):
    old_and_new()
    retention.remove_before(clock.now() - DAY)

    report = verify_lines(run("export").splitlines(), trusted=keys.public_keys())

    assert (True, 2, 1) == (report.holds, report.rows, report.removed)


@pytest.mark.django_db
def test_who_is_deleted_is_forgotten(operator):
    from tests.support.factories import make_user

    user = make_user()
    make_event(actor_id=str(user.pk))

    assert 204 == operator.delete(f"/admin/users/{user.pk}").status_code

    assert "" == AuditEvent.objects.get(action="user.login").personal
    assert "127.0.0.1" in AuditEvent.objects.get(action="user.deleted").personal


@pytest.mark.django_db
def test_retention_while_somebody_verifies_accuses_nobody(monkeypatch):
    """The rows of a batch go between two of the reads that verification makes."""
    old_and_new()
    removals = stored._removal_of
    asked = []

    def meanwhile(seal):
        found = removals(seal)
        asked.append(seal.number)
        if len(asked) == 1:
            retention.remove_before(clock.now() - DAY)
        return found

    monkeypatch.setattr(stored, "_removal_of", meanwhile)

    assert (True, 1) == (verify_stored().holds, stored.verify_stored().removed)


LOCALHOST = {"AUTHPLANE_SERVER_ISSUER": "http://localhost:9000"}
S3 = "AUTHPLANE_AUDIT_ANCHOR_S3_"


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"AUTHPLANE_ADMIN_AUDIT_DEFAULT_LOOKBACK": "800h"}, "DEFAULT_LOOKBACK must not exceed"),
        ({"AUTHPLANE_AUDIT_CEF_ADDRESS": "siem:514"}, "CEF_ADDRESS must be udp://"),
        ({"AUTHPLANE_AUDIT_ANCHOR_SYSLOG": "http://siem"}, "ANCHOR_SYSLOG must be udp://"),
        ({"AUTHPLANE_AUDIT_OTLP_ENDPOINT": "http://otel:4318/v1/logs"}, "OTLP_ENDPOINT must be"),
        ({"AUTHPLANE_AUDIT_OTLP_ENDPOINT": "https://u:p@otel/v1/logs"}, "OTLP_ENDPOINT must be"),
        ({f"{S3}ENDPOINT": "https://s3.example"}, "needs ..._BUCKET"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(variables, problem):
    from authplane.core.loading import ConfigurationError, load

    with pytest.raises(ConfigurationError, match=problem.replace(".", r"\.")):
        load(LOCALHOST | variables)


def test_settings_that_can():
    from authplane.core.loading import load

    loaded = load(
        LOCALHOST
        | {
            "AUTHPLANE_AUDIT_RETENTION": "400d",
            "AUTHPLANE_AUDIT_OTLP_ENDPOINT": "http://otel:4318/v1/logs",
            "AUTHPLANE_AUDIT_ALLOWED_PRIVATE_HOSTS": "otel",
            "AUTHPLANE_AUDIT_CEF_ADDRESS": "tls://siem.example",
        }
    )

    assert 400 * 86400 == loaded.audit.retention
