"""Rows by the ids and slugs that paths and queries name."""

from __future__ import annotations

import uuid
from typing import TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request

from admin_api.exceptions import Invalid, NotFound
from admin_api.routes import known_parameters
from authplane.core.ids import id_or_none

M = TypeVar("M", bound=Model)


def row_id(text: str, absent: str) -> uuid.UUID:
    """An id as its row has it. What is no id at all is no row's.

    Raises: NotFound, which says ``absent``.
    """
    found = id_or_none(text)
    if found is None:
        raise NotFound(absent)
    return found


def row_by_id(rows: QuerySet[M], text: str, absent: str) -> M:
    """The one of ``rows`` that has this id.

    Raises: NotFound, which says ``absent``.
    """
    row = rows.filter(pk=row_id(text, absent)).first()
    if row is None:
        raise NotFound(absent)
    return row


def row_by_slug(rows: QuerySet[M], request: Request, *filters: str, absent: str) -> M:
    """The one of ``rows`` that has the query's slug, which stands alone there.

    Raises: Invalid when something stands beside it, one of the route's ``filters`` or not;
    NotFound, which says ``absent``.
    """
    known_parameters(request, *filters)
    beside = sorted(set(request.GET) - {"slug"})
    if beside:
        raise Invalid(f"slug cannot be combined with {beside[0]}")
    row = rows.filter(slug=request.GET["slug"].replace("\x00", "")).first()
    if row is None:
        raise NotFound(absent)
    return row


def asked_id(request: Request, name: str, *, whose: str = "") -> uuid.UUID:
    """The id that the query's parameter is.

    Raises: Invalid.
    """
    found = id_or_none(request.GET[name])
    if found is None:
        raise Invalid(f"{name} must be {f'the id of {whose}' if whose else 'an id'}")
    return found


def of_id(rows: QuerySet[M], column: str, text: str) -> QuerySet[M]:
    """Those of ``rows`` whose column has this id: all for an empty text, none for what is no id."""
    if not text:
        return rows
    wanted = id_or_none(text)
    return rows.none() if wanted is None else rows.filter(**{column: wanted})
