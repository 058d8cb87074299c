"""Rows of the record cannot be changed or removed: the database itself refuses.

Installed after every `migrate`, because SQLite drops triggers with the table that a migration
rebuilds. What is allowed: emptying `personal`; sealing a private key anew; removing the rows of a
batch for which a removal is on file, which verification demands to be signed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.db import connection
from django.db.models import Model

from audit.models import AuditEvent, AuditKey, AuditSeal, SealedEvent, SealRemoval

MAY_CHANGE: Final[dict[type[Model], str]] = {
    AuditEvent: "personal", AuditSeal: "", SealedEvent: "", SealRemoval: "",
    AuditKey: "private_sealed",
}  # fmt: skip
"""Each protected table, and the one column that may change; empty: none."""

REMOVABLE: Final[dict[type[Model], str]] = {
    AuditEvent: (
        "EXISTS (SELECT 1 FROM {schema}audit_sealedevent m JOIN {schema}audit_sealremoval r"
        " ON r.seal = m.seal WHERE m.event = OLD.id)"
    ),
    SealedEvent: "EXISTS (SELECT 1 FROM {schema}audit_sealremoval r WHERE r.seal = OLD.seal)",
}
"""The tables from which rows may go, and when.

The tables are named with their schema: somebody's temporary table of the same name comes first in
every search path.
"""

REFUSAL: Final = "the audit record is append-only"

_FUNCTIONS: Final = f"""
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - TG_ARGV[0]) IS DISTINCT FROM (to_jsonb(OLD) - TG_ARGV[0])
       OR (TG_ARGV[0] = 'personal' AND to_jsonb(NEW) ->> 'personal' <> '') THEN
        RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""


def install() -> None:
    """The database refuses, whatever was installed before."""
    remove()
    _run(_FUNCTIONS if connection.vendor == "postgresql" else "")
    for model in MAY_CHANGE:
        for _name, statement in _triggers(model):
            _run(statement)


def remove() -> None:
    """Nothing is refused any more. For tests and for moving to another database."""
    for model in MAY_CHANGE:
        table = _table(model)
        for name in ("change", "removal", "emptying"):
            if connection.vendor == "postgresql":
                _run(f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}")
            else:
                _run(f"DROP TRIGGER IF EXISTS {table}_{name}")


def is_installed() -> bool:
    """Whether every trigger is there and, on PostgreSQL, switched on."""
    wanted = {name for model in MAY_CHANGE for name, _ in _triggers(model)}
    if connection.vendor == "postgresql":
        asked = (
            "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'audit%' AND tgenabled IN ('O', 'A')"
        )
    else:
        asked = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return wanted <= {row[0] for row in cursor.fetchall()}


def grants(role: str) -> str:
    """SQL for a role that may write the record and not rewrite it, to be run by the owner."""
    quoted = connection.ops.quote_name(role)
    lines = []
    for model in MAY_CHANGE:
        table = _table(model)
        lines += [
            f"REVOKE ALL ON {table} FROM {quoted};",
            f"GRANT SELECT, INSERT ON {table} TO {quoted};",
        ]
        if column := MAY_CHANGE[model]:
            lines.append(f"GRANT UPDATE ({column}) ON {table} TO {quoted};")
    return "\n".join(lines)


def after_migration(**options: Any) -> None:
    """The protection is in place after `migrate`; after `flush`, which sends no plan, as before."""
    if "plan" in options and set(map(_table, MAY_CHANGE)) <= set(
        connection.introspection.table_names()
    ):
        install()


def _triggers(model: type[Model]) -> Iterator[tuple[str, str]]:
    """Name and statement of each trigger of a table."""
    table, column, when = _table(model), MAY_CHANGE[model], _removable(model)
    if connection.vendor == "postgresql":
        yield (
            f"{table}_change",
            (
                f"CREATE TRIGGER {table}_change BEFORE UPDATE ON {table} FOR EACH ROW"
                f" EXECUTE FUNCTION audit_refuse_change('{column}')"
            ),
        )
        removal = _conditional_removal(table, when) if when else ""
        yield (
            f"{table}_removal",
            removal
            or (
                f"CREATE TRIGGER {table}_removal BEFORE DELETE ON {table} FOR EACH ROW"
                " EXECUTE FUNCTION audit_refuse()"
            ),
        )
        yield (
            f"{table}_emptying",
            (
                f"CREATE TRIGGER {table}_emptying BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
                " EXECUTE FUNCTION audit_refuse()"
            ),
        )
        return
    raising = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    yield (
        f"{table}_change",
        (
            f"CREATE TRIGGER {table}_change BEFORE UPDATE ON {table}"
            f" WHEN {_changed(model)} {raising}"
        ),
    )
    yield (
        f"{table}_removal",
        (
            f"CREATE TRIGGER {table}_removal BEFORE DELETE ON {table}"
            f" {f'WHEN NOT {when}' if when else ''} {raising}"
        ),
    )


def _conditional_removal(table: str, when: str) -> str:
    """A condition of a trigger may not ask another table on PostgreSQL; its function may."""
    return (
        f"CREATE OR REPLACE FUNCTION {table}_refuse_removal() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF NOT {when} THEN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE ="
        f" 'insufficient_privilege'; END IF; RETURN OLD; END $$;"
        f" CREATE TRIGGER {table}_removal BEFORE DELETE ON {table} FOR EACH ROW"
        f" EXECUTE FUNCTION {table}_refuse_removal()"
    )


def _changed(model: type[Model]) -> str:
    """SQLite: whether an update changes what may not change."""
    column = MAY_CHANGE[model]
    names = [field.column for field in model._meta.concrete_fields]  # noqa: SLF001 - Django's public name
    changed = [f'NEW."{name}" IS NOT OLD."{name}"' for name in names if name != column]
    if column == "personal":
        changed.append("NEW.\"personal\" <> ''")
    return f"({' OR '.join(changed)})"


def _removable(model: type[Model]) -> str:
    """The condition with the tables of this database; empty: never."""
    return REMOVABLE.get(model, "").format(schema=_schema())


def _schema() -> str:
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema()) || '.'")
        return str(cursor.fetchone()[0])


def _table(model: type[Model]) -> str:
    return model._meta.db_table  # noqa: SLF001 - Django's public name


def _run(statement: str) -> None:
    if statement:
        with connection.cursor() as cursor:
            cursor.execute(statement)
