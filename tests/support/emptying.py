"""Empty tables after a test that committed: only those that it filled.

Django's own way truncates every table, which on PostgreSQL makes a hundred and more new files, for
each of several hundred tests.
"""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import TransactionTestCase

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
    with connection.cursor() as cursor:
        filled = _filled(cursor)
        if filled:
            # References are not looked at: all that point at these rows go with them.
            cursor.execute(
                "BEGIN; SET LOCAL session_replication_role = replica; "
                + "".join(f'DELETE FROM "{table}"; ' for table in filled)
                + "COMMIT"
            )
    # What a migration of ours leaves in the tables is there again.
    ours = apps.get_app_config("oauth")
    post_migrate.send(
        ours, app_config=ours, verbosity=0, interactive=False, using="default", plan=[], apps=apps
    )


def _may_skip_triggers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT usesuper FROM pg_user WHERE usename = current_user")
        return bool(cursor.fetchone()[0])


def _filled(cursor: Any) -> list[str]:
    tables = [
        table for table in connection.introspection.django_table_names() if table not in KEPT
    ]
    looked = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables
    )
    cursor.execute(looked)
    return [table for (table,) in cursor.fetchall()]
