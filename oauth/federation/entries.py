"""Rows of trusted parties by their id: they are there, or the caller is told what is not."""

from __future__ import annotations

import uuid
from typing import TypeVar

from django.db.models import Model, QuerySet

from oauth.federation.errors import NoSuchEntry

M = TypeVar("M", bound=Model)


def entry_of(rows: QuerySet[M], key: uuid.UUID, absent: str) -> M:
    """The one of ``rows`` that has this id.

    Raises: NoSuchEntry, which says ``absent``.
    """
    row = rows.filter(pk=key).first()
    if row is None:
        raise NoSuchEntry(absent)
    return row
