"""The configuration as it is, written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import connection, transaction

from admin_api.configuration import settings
from admin_api.configuration.sections import FORMAT, LEFT_OUT, SETTINGS, sections

FIRST: Final = ("id", "name", "subject")
"""What says which one it is."""


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
                found[name] = [_in_order(row.seed) for row in rows]
        about = {"format": FORMAT, **({LEFT_OUT: left_out} if left_out else {})}
        return {**about, SETTINGS: _in_order(settings.shown()), **found}


def _in_order(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members as they are; what is inside of them in an order that no database chose."""
    return {name: _sorted(value) for name, value in members.items()}


def _sorted(value: Any) -> Any:
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    if not isinstance(value, dict):
        return value
    names = sorted(value, key=lambda name: (name not in FIRST, name))
    return {name: _sorted(value[name]) for name in names}


def _one_moment() -> None:
    """What is read belongs together, also while somebody changes it.

    Inside of another transaction (a test's) it is too late to say so, and nobody needs it.
    """
    if connection.vendor == "postgresql" and not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
