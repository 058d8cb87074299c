"""What is purged, what must stay, and how the command tells."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.ids import first_uuid7_at, uuid7
from authplane.core.models import OneTimeValue, ScheduledRun
from oauth.maintenance import jobs, ledger, targets
from oauth.maintenance.ledger import purge_ledger
from oauth.maintenance.state import (
    purge_codes,
    purge_families,
    purge_refresh_tokens,
    purge_requests,
)
from oauth.models import (
    AccessToken,
    AuthorizationCode,
    AuthorizationRequest,
    RefreshToken,
    TokenFamily,
)
from tests.support.factories import make_client, make_user

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def ledger_row(*, age, offset=0):
    moment = clock.now() - age
    return AccessToken.objects.create(
        id=uuid.UUID(int=first_uuid7_at(moment).int + offset + 1),
        kind="client_credentials",
        subject="machine",
        resource="https://mcp.example.com",
        created=moment,
        expires=moment + timedelta(hours=1),
    )


def family(*, age, ends_in=30 * DAY, **fields):
    moment = clock.now() - age
    return TokenFamily.objects.create(
        id=uuid.UUID(int=first_uuid7_at(moment).int + 7),
        client=make_client(),
        user=make_user(),
        resource="https://mcp.example.com",
        auth_time=moment,
        created_at=moment,
        expires_at=clock.now() + ends_in,
        **fields,
    )


def refresh(of, *, expires_in, **fields):
    return RefreshToken.objects.create(
        family=of, token_checksum=uuid.uuid4().hex, jti=uuid.uuid4(),
        expires=clock.now() + expires_in, **fields,
    )  # fmt: skip


def test_the_least_id_of_a_moment_lies_between_those_made_before_and_after():
    made = uuid7()
    moment = clock.now()

    assert (
        first_uuid7_at(moment - timedelta(seconds=5))
        < made
        < first_uuid7_at(moment + timedelta(seconds=5))
    )
    assert first_uuid7_at(moment).int >> 80 == int(moment.timestamp() * 1000)


@pytest.mark.shows("setting", "tokens.ledger_retention")
def test_ledger_rows_go_when_the_retention_is_over(frozen_clock, override_config):
    override_config(tokens={"ledger_retention": 10 * 86400})
    old, young = ledger_row(age=10 * DAY + MINUTE), ledger_row(age=10 * DAY - MINUTE)

    assert 1 == purge_ledger(clock.now())

    assert not AccessToken.objects.filter(pk=old.pk).exists()
    assert AccessToken.objects.filter(pk=young.pk).exists()


def test_the_ledger_is_purged_in_bounded_batches(
    frozen_clock, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(ledger, "BATCH", 2)
    monkeypatch.setattr(ledger, "MAX_BATCHES", 2)
    for offset in range(5):
        ledger_row(age=90 * DAY, offset=offset)

    assert 4 == purge_ledger(clock.now())
    assert 1 == purge_ledger(clock.now())
    assert 0 == purge_ledger(clock.now())


def test_purging_the_ledger_reads_ids_alone(frozen_clock, django_assert_num_queries):
    ledger_row(age=90 * DAY)

    with django_assert_num_queries(2) as captured:
        purge_ledger(clock.now())

    assert "expires" not in captured.captured_queries[0]["sql"].partition("WHERE")[2]


def test_lapsed_requests_go_and_waiting_ones_stay(frozen_clock):
    common = {
        "client": make_client(), "user": make_user(), "redirect_uri": "http://127.0.0.1/cb",
        "resource": "https://mcp.example.com", "code_challenge": "c" * 43,
        "auth_time": clock.now(),
    }  # fmt: skip
    AuthorizationRequest.objects.create(expires_at=clock.now(), **common)
    waiting = AuthorizationRequest.objects.create(expires_at=clock.now() + MINUTE, **common)

    assert 1 == purge_requests(clock.now())
    assert [waiting] == list(AuthorizationRequest.objects.all())


def test_a_spent_code_is_remembered_for_a_day(frozen_clock):
    for name, age in (("old", DAY), ("young", DAY - MINUTE)):
        AuthorizationCode.objects.create(
            code=name, application=make_client(), user=make_user(), redirect_uri="http://x",
            expires=clock.now() - age, auth_time=clock.now(), code_challenge="c" * 43,
            resource="https://mcp.example.com",
        )  # fmt: skip

    assert 1 == purge_codes(clock.now())
    assert ["young"] == list(AuthorizationCode.objects.values_list("code", flat=True))


def test_used_refresh_tokens_stay_until_they_expire(frozen_clock):
    chain = family(age=DAY)
    used = refresh(chain, expires_in=MINUTE, consumed_at=clock.now() - DAY)
    refresh(chain, expires_in=-MINUTE * 60)

    assert 1 == purge_refresh_tokens(clock.now())
    assert [used] == list(RefreshToken.objects.all())


def test_a_refresh_token_outlives_the_access_token_beside_it(frozen_clock, override_config):
    override_config(tokens={"access_ttl": 3600, "clock_skew": 30})
    refresh(family(age=DAY), expires_in=-timedelta(seconds=3629))

    assert 0 == purge_refresh_tokens(clock.now())
    frozen_clock.shift(1)
    assert 1 == purge_refresh_tokens(clock.now())


def test_families_go_when_nothing_of_them_can_live(frozen_clock):
    gone = [family(age=100 * DAY, ends_in=-2 * DAY), family(age=3 * DAY)]
    refreshable = family(age=80 * DAY)
    refresh(refreshable, expires_in=DAY)
    young = family(age=MINUTE)
    just_ended = family(age=90 * DAY, ends_in=-MINUTE)
    refresh(just_ended, expires_in=-MINUTE)

    assert len(gone) == purge_families(clock.now())
    assert {refreshable, young, just_ended} == set(TokenFamily.objects.all())


def test_a_revoked_family_stays_while_it_makes_tokens_inactive(frozen_clock):
    revoked = family(age=MINUTE, revoked_at=clock.now())

    assert 0 == purge_families(clock.now())
    assert TokenFamily.objects.filter(pk=revoked.pk).exists()


def test_the_command_counts_what_went(frozen_clock, capsys):
    ledger_row(age=90 * DAY)
    OneTimeValue.objects.create(digest="d", namespace="x", expires_at=clock.now())

    call_command("purge_expired", "--json")

    printed = json.loads(capsys.readouterr().out)
    assert (1, 1) == (printed["deleted"]["ledger"], printed["deleted"]["one-time-values"])
    assert set(targets.TARGETS) == set(printed["deleted"])
    assert ([], [], []) == (printed["busy"], printed["failed"], printed["left"])


def test_the_command_touches_only_what_is_named(frozen_clock, capsys):
    ledger_row(age=90 * DAY)
    OneTimeValue.objects.create(digest="d", namespace="x", expires_at=clock.now())

    call_command("purge_expired", "--only", "one-time-values")

    assert "purge completed: one-time-values=1" == capsys.readouterr().out.strip()
    assert AccessToken.objects.exists()


@pytest.mark.parametrize("only", ["nothing", "ledger,nothing", ","])
def test_an_unknown_target_purges_nothing(frozen_clock, only):
    ledger_row(age=90 * DAY)

    with pytest.raises(CommandError, match=r"unknown target.*ledger"):
        call_command("purge_expired", "--only", only)
    assert AccessToken.objects.exists()


def test_one_broken_target_does_not_keep_the_others(frozen_clock, capsys, monkeypatch):
    monkeypatch.setitem(targets.TARGETS, "authorization-codes", lambda: 1 // 0)
    ledger_row(age=90 * DAY)

    with pytest.raises(CommandError, match="authorization-codes"):
        call_command("purge_expired", "--json")

    assert ["authorization-codes"] == json.loads(capsys.readouterr().out)["failed"]
    assert not AccessToken.objects.exists()


def test_the_record_is_never_purged(frozen_clock):
    AuditEvent.objects.create(action="user.login", created_at=clock.now() - 5000 * DAY)

    call_command("purge_expired")

    assert 1 == AuditEvent.objects.count()


@pytest.mark.parametrize("name", jobs.JOBS)
def test_task_and_command_do_the_same(frozen_clock, capsys, name):
    from celery import current_app

    import authplane.celery  # noqa: F401 - the application that knows the tasks

    result = current_app.tasks[name].delay().get()
    call_command("run_job", name, "--json")

    printed = json.loads(capsys.readouterr().out)
    assert name == printed.pop("job")
    assert set(result) == set(printed)
    assert 2 == ScheduledRun.objects.get(name=name).runs


@pytest.mark.parametrize("name", jobs.JOBS)
def test_every_job_is_on_the_schedule(name):
    from authplane.celery import schedule

    assert jobs.JOBS[name].every == schedule()[name]


def test_a_task_that_is_not_due_does_nothing(frozen_clock):
    from oauth.tasks import purge_ledger as task

    ledger_row(age=90 * DAY)
    assert {"ledger": 1} == task()
    ledger_row(age=90 * DAY)

    assert {} == task()
    frozen_clock.shift(jobs.PURGE_LEDGER.every)
    assert {"ledger": 1} == task()


def test_a_job_that_another_process_does_is_refused(frozen_clock):
    call_command("run_job", "oauth.purge_state")
    ScheduledRun.objects.filter(name="oauth.purge_state").update(claimed_until=clock.now() + DAY)

    with pytest.raises(CommandError, match="another process"):
        call_command("run_job", "oauth.purge_state")


def test_an_unknown_job_is_refused_with_the_known_ones():
    with pytest.raises(CommandError, match=r"unknown job: nothing.*oauth\.purge_ledger"):
        call_command("run_job", "nothing")


def test_jobs_are_listed(capsys):
    call_command("run_job", "--json")

    assert set(jobs.JOBS) == set(json.loads(capsys.readouterr().out))
