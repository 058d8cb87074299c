"""Empty tables after a test that committed: only those that it filled.

Django's own way truncates every table, which on PostgreSQL makes a hundred and more new files, for
each of several hundred tests.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.apps import apps
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import TransactionTestCase
from psycopg import sql

KEPT: Final = frozenset({"django_migrations", "django_content_type", "auth_permission"})
"""What `migrate` fills and no test changes."""

_django_s_way = TransactionTestCase._fixture_teardown


def install() -> None:
    """From now on tests that commit are cleaned up after in this way, where it is possible."""
    TransactionTestCase._fixture_teardown = _fixture_teardown  # type: ignore[method-assign]


def _fixture_teardown(case: Any) -> None:
    if connection.vendor != "postgresql" or not _may_skip_triggers():
        _django_s_way(case)
        return
    filled = _filled()
    if filled:
        # References are not looked at: all that point at these rows go with them.
        delete = sql.SQL("; ").join(
            sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in filled
        )
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("BEGIN; SET LOCAL session_replication_role = replica; {}; COMMIT").format(
                    delete
                )
            )
    # What a migration of ours leaves in the tables is there again.
    ours = apps.get_app_config("oauth")
    post_migrate.send(
        ours, app_config=ours, verbosity=0, interactive=False, using="default", plan=[], apps=apps
    )


@cache
def _may_skip_triggers() -> bool:
    """Whether the role is a superuser, which stays so for a run."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT usesuper FROM pg_user WHERE usename = current_user")
        return bool(cursor.fetchone()[0])


def _filled() -> list[str]:
    tables = set(connection.introspection.django_table_names()) - KEPT
    looked = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} WHERE EXISTS (SELECT 1 FROM {})").format(
            sql.Literal(table), sql.Identifier(table)
        )
        for table in sorted(tables)
    )
    with connection.cursor() as cursor:
        cursor.execute(looked)
        return [table for (table,) in cursor.fetchall()]
