"""The configuration as it is, written down."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from admin_api.configuration import settings
from admin_api.configuration.sections import FORMAT, LEFT_OUT, SETTINGS, sections


def exported() -> dict[str, Any]:
    """Everything of every section, as it was at one moment; no secret, and no id of this server.

    `secrets_left_out` names the secrets that are stored here, and that another server has to be
    given: `<section>.<name>.secret`.
    """
    with transaction.atomic():
        _one_moment()
        left_out: list[str] = []
        found: dict[str, Any] = {}
        for name, (_, portable) in sections().items():
            rows = [row for row in portable.written() if not row.goes_without_saying]
            left_out += [f"{name}.{row.name}.secret" for row in rows if row.sealed is not None]
            if rows:
                found[name] = [dict(row.seed) for row in rows]
        about = {"format": FORMAT, **({LEFT_OUT: left_out} if left_out else {})}
        return {**about, SETTINGS: settings.shown(), **found}


def _one_moment() -> None:
    """What is read belongs together, also while somebody changes it.

    Inside of another transaction (a test's) it is too late to say so, and nobody needs it.
    """
    if connection.vendor == "postgresql" and not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
