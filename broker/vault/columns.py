"""Which columns of this app hold sealed values: those that are named so, in every table."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db import models
from django.db.models import F, Func, QuerySet, Value

from authplane.core import clock
from authplane.core.crypto import KEY_NAME_BYTES
from broker.models import Connection, ConnectState

SUFFIX: Final = "_sealed"
BATCH: Final = 200

Row = tuple[uuid.UUID | int, bytes]


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values."""

    model: type[models.Model]
    column: str

    @property
    def table(self) -> str:
        """The table's name, which is part of what each value is sealed for."""
        return self.model._meta.db_table  # noqa: SLF001 - Django's own name for it

    def rows(self) -> QuerySet[Any]:
        """The rows that hold a value which somebody may still want to open.

        What a finished or lapsed hop leaves behind is only recognised, never opened again.
        """
        rows: QuerySet[Any] = self.model._default_manager.exclude(**{self.column: None})  # noqa: SLF001
        if self.model is ConnectState:
            rows = rows.filter(consumed_at=None, expires_at__gt=clock.now())
        named: QuerySet[Any] = rows.annotate(
            key_name=Func(
                F(self.column),
                Value(1),
                Value(KEY_NAME_BYTES),
                function="SUBSTR",
                output_field=models.BinaryField(),
            )
        )
        return named

    def key_names(self) -> set[bytes]:
        """What names the keys of all values."""
        found = self.rows().order_by().values_list("key_name", flat=True).distinct()
        return {bytes(name) for name in found}

    def newest(self, count: int) -> list[Row]:
        """The newest values."""
        rows = self.rows().order_by("-pk").values_list("pk", self.column)[:count]
        return [(key, bytes(blob)) for key, blob in rows]

    def values(self, *, besides: bytes | None) -> Iterator[Row]:
        """Every value but those of the key ``besides``, in the order of the rows, in batches."""
        rows = self.rows().order_by("pk")
        rows = rows if besides is None else rows.exclude(key_name=besides)
        after: Any = None
        while True:
            wanted = rows if after is None else rows.filter(pk__gt=after)
            batch = list(wanted.values_list("pk", self.column)[:BATCH])
            yield from ((key, bytes(blob)) for key, blob in batch)
            if len(batch) < BATCH:
                return
            after = batch[-1][0]

    def replace(self, row: uuid.UUID | int, *, old: bytes, new: bytes) -> bool:
        """The value is ``new``, unless somebody stored another one meanwhile."""
        rows = self.model._default_manager.filter(pk=row, **{self.column: old})  # noqa: SLF001
        return bool(rows.update(**{self.column: new}))

    def discard(self, row: uuid.UUID | int, *, old: bytes) -> bool:
        """The value is gone, unless somebody stored another one meanwhile.

        A connection without its credential asks its user to connect again. A row that is nothing
        without the value goes with it.
        """
        rows = self.model._default_manager.filter(pk=row, **{self.column: old})  # noqa: SLF001
        if self.model is Connection:
            gone = {"credential_sealed": None, "access_sealed": None, "access_expires_at": None}
            return bool(
                rows.update(
                    **gone, status=Connection.Status.REAUTH_REQUIRED, version=F("version") + 1
                )
            )
        if self.model._meta.get_field(self.column).null:  # noqa: SLF001
            return bool(rows.update(**{self.column: None}))
        return bool(rows.delete()[0])


def sealed_columns() -> list[SealedColumn]:
    """Every such column. One that is added to a model later is among them by its name."""
    return [
        SealedColumn(model, field.name)
        for model in apps.get_app_config("broker").get_models()
        for field in model._meta.concrete_fields  # noqa: SLF001 - Django's own name for it
        if isinstance(field, models.BinaryField) and field.name.endswith(SUFFIX)
    ]
