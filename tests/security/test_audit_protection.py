"""The database refuses to change the record, whoever asks over the server's connection."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from audit import protection
from audit.erasure import erase_personal
from audit.models import AuditEvent, AuditKey, AuditSeal, SealedEvent
from audit.retention import remove_before
from audit.sealing import keys
from audit.sealing.stored import verify_stored
from authplane.core import clock
from tests.support.sealed import make_chain, make_event

ON_POSTGRES = pytest.mark.postgres


@pytest.fixture
def chain(db):
    made = make_chain(2, 2)
    protection.install()
    return made


def execute(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def key_of(row):
    return row.pk if connection.vendor == "postgresql" else row.pk.hex


CHANGES = [
    "UPDATE audit_auditevent SET created_at = '2020-01-01'",
    "UPDATE audit_auditevent SET action = 'x'",
    "UPDATE audit_auditevent SET actor_id = 'x'",
    "UPDATE audit_auditevent SET client_id = 'x'",
    "UPDATE audit_auditevent SET detail = '{}'",
    "UPDATE audit_auditevent SET request_id = 'x'",
    "UPDATE audit_auditevent SET trace_id = 'x'",
    "UPDATE audit_auditevent SET personal = 'x'",
    "UPDATE audit_auditevent SET personal_digest = 'x'",
    "UPDATE audit_auditevent SET personal = '', actor_id = 'x'",
    "DELETE FROM audit_auditevent",
    "UPDATE audit_auditseal SET count = 1",
    "UPDATE audit_auditseal SET checkpoint = ''",
    "DELETE FROM audit_auditseal",
    "UPDATE audit_sealedevent SET position = 9 WHERE position = 0",
    "DELETE FROM audit_sealedevent",
    "UPDATE audit_auditkey SET kid = 'x'",
    "UPDATE audit_auditkey SET endorsement = 'x'",
    "DELETE FROM audit_auditkey",
]  # fmt: skip


@pytest.mark.parametrize("statement", CHANGES)
def test_sql_that_changes_the_record_is_refused(chain, statement):
    with pytest.raises(DatabaseError, match="append-only"):
        execute(statement)

    assert (4, True) == (AuditEvent.objects.count(), verify_stored().holds)


def test_every_column_is_protected(chain):
    """A column that is added is protected without a list that somebody could forget."""
    covered = {field.column for field in AuditEvent._meta.concrete_fields}

    assert covered - {"id"} == {
        line.split(" SET ")[1].split(" =")[0] for line in CHANGES if "audit_auditevent SET" in line
    }


def test_the_id_of_a_row_stays(chain):
    with pytest.raises(DatabaseError):
        AuditEvent.objects.filter(pk=chain[0][0].pk).update(id=make_event(nth=50).pk.int + 1)


@ON_POSTGRES
@pytest.mark.parametrize("table", [model._meta.db_table for model in protection.MAY_CHANGE])
def test_tables_of_the_record_cannot_be_emptied(chain, table):
    with pytest.raises(DatabaseError, match="append-only"):
        execute(f"TRUNCATE {table}")


def test_rows_are_added_as_ever(chain):
    make_event(nth=40)

    assert 5 == AuditEvent.objects.count()


def test_a_person_can_be_forgotten(chain):
    assert 4 == erase_personal("user-1")

    assert {""} == set(AuditEvent.objects.values_list("personal", flat=True))
    assert verify_stored().holds


def test_a_key_can_be_sealed_anew(chain, override_config):
    override_config(secrets={"data": "07" * 32, "data_old": "05" * 32})

    assert 1 == keys.rewrap().resealed


def test_retention_may_remove_what_it_signed_for(chain):
    cutoff = chain[0][-1].created_at
    assert (
        2
        == remove_before(cutoff.replace(microsecond=cutoff.microsecond) + clock.now().resolution)[
            "rows"
        ]
    )

    assert [row.pk for row in chain[1]] == [
        *AuditEvent.objects.filter(action="user.login").order_by("pk").values_list("pk", flat=True)
    ]
    assert (2, {2}) == (
        AuditSeal.objects.count(), set(SealedEvent.objects.values_list("seal", flat=True)),
    )  # fmt: skip
    assert verify_stored().holds


def test_rows_of_other_batches_stay_protected_meanwhile(chain):
    remove_before(chain[0][-1].created_at + clock.now().resolution)

    with pytest.raises(DatabaseError, match="append-only"):
        execute("DELETE FROM audit_auditevent WHERE id = %s", key_of(chain[1][0]))


@ON_POSTGRES
def test_a_temporary_table_of_the_same_name_is_no_permission(chain):
    """A session's own tables come first in its search path."""
    execute(
        "CREATE TEMP TABLE audit_sealremoval AS SELECT 1::bigint AS seal; "
        "INSERT INTO audit_sealremoval VALUES (2)"
    )

    with pytest.raises(DatabaseError, match="append-only"):
        execute("DELETE FROM public.audit_auditevent")


def test_protection_comes_back_when_it_was_lost(chain):
    protection.remove()
    assert not protection.is_installed()
    protection.after_migration(plan=[])
    assert protection.is_installed()


@ON_POSTGRES
def test_a_trigger_that_was_switched_off_is_told(chain):
    execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_auditevent_change")

    assert not protection.is_installed()


@ON_POSTGRES
def test_a_role_of_its_own_may_write_and_not_rewrite(chain):
    execute("DROP ROLE IF EXISTS audit_writer_of_tests")
    execute("CREATE ROLE audit_writer_of_tests")
    execute(protection.grants("audit_writer_of_tests"))

    def privileges(table):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT privilege FROM unnest(ARRAY['SELECT','INSERT','UPDATE','DELETE','TRUNCATE',"
                "'TRIGGER']) privilege WHERE has_table_privilege('audit_writer_of_tests', %s,"
                " privilege)", [table],
            )  # fmt: skip
            return {row[0] for row in cursor.fetchall()}

    for model in protection.MAY_CHANGE:
        assert {"SELECT", "INSERT"} == privileges(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_column_privilege('audit_writer_of_tests', 'audit_auditevent', 'personal',"
            " 'UPDATE'), has_column_privilege('audit_writer_of_tests', 'audit_auditevent',"
            " 'detail', 'UPDATE')"
        )
        assert (True, False) == cursor.fetchone()


def test_the_key_stays_readable(chain):
    assert 1 == AuditKey.objects.count()
