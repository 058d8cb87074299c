"""Lists: an envelope keyed by the noun, by offset or by cursor."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model, QuerySet, UUIDField
from rest_framework.request import Request

from admin_api.exceptions import Invalid
from authplane.core.counting import Count, counted
from authplane.core.hashing import b64url, b64url_decode

MAX_LIMIT: Final = 500
MAX_OFFSET: Final = 2**30
MAX_NUMBER: Final = 2**63


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    limit: int
    offset: int
    after: uuid.UUID | None

    @classmethod
    def of(
        cls,
        request: Request,
        *,
        default: int,
        is_strict: bool = False,
        highest: int = MAX_LIMIT,
    ) -> Page:
        """From `limit` with `offset` or `cursor`.

        A limit out of range is an error only where ``is_strict``; elsewhere it becomes the nearest
        one that is possible, as callers of those lists expect.

        Raises: Invalid.
        """
        limit = _integer(
            request.GET.get("limit"), absent=default, text=f"limit must be 1..{highest}"
        )
        if is_strict and not 1 <= limit <= highest:
            raise Invalid(f"limit must be 1..{highest}")
        offset = _integer(
            request.GET.get("offset"), absent=0, text="offset must be a non-negative integer"
        )
        if not 0 <= offset <= MAX_OFFSET:
            raise Invalid("offset must be a non-negative integer")
        after = _cursor(request.GET.get("cursor"))
        if after and offset:
            raise Invalid("offset and cursor exclude each other")
        return cls(min(limit, highest) if limit > 0 else default, offset, after)


def envelope(
    noun: str, rows: QuerySet[Any], *, page: Page, render: Callable[[Any], Mapping[str, Any]]
) -> dict[str, Any]:
    """The page of ``rows``, newest first. `next_cursor` is null on the last one.

    Where there are more rows than anybody counts, `total` is the number that were counted, and
    `total_is_minimum` says so.
    """
    shown, tail = part_of(rows, page=page)
    return {noun: [render(row) for row in shown], **tail}


def part_of(rows: QuerySet[Any], *, page: Page) -> tuple[list[Any], dict[str, Any]]:
    """The rows of the page, newest first, and the members that stand beside them in the envelope.

    Ids are UUIDv7 or count up, so that their order is the order of time and a cursor is an id.
    """
    wanted = rows.order_by("-pk")
    if page.after:
        wanted = wanted.filter(pk__lt=_key(rows, page.after))
    found: list[Model] = list(wanted[page.offset : page.offset + page.limit + 1])
    shown = found[: page.limit]
    more = len(found) > page.limit
    is_all = not (more or page.offset or page.after)
    # What was read whole needs no second look; a search that finds nothing can be a long one.
    total = Count(len(found), is_exact=True) if is_all else counted(rows)
    return shown, {
        "total": total.number,
        **({} if total.is_exact else {"total_is_minimum": True}),
        "next_cursor": b64url(_id(shown[-1]).bytes) if more else None,
    }


def _id(row: Model) -> uuid.UUID:
    return row.pk if isinstance(row.pk, uuid.UUID) else uuid.UUID(int=row.pk)


def _key(rows: QuerySet[Any], after: uuid.UUID) -> uuid.UUID | int:
    """What the cursor is in this table. Raises: Invalid for what no row there can have."""
    if isinstance(rows.model._meta.pk, UUIDField):  # noqa: SLF001 - Django's public name for it
        return after
    if after.int >= MAX_NUMBER:
        raise Invalid("cursor is not one of ours")
    return after.int


def _integer(value: str | None, *, absent: int, text: str) -> int:
    if value is None or value == "":
        return absent
    if len(value) > len(str(MAX_OFFSET)) + 1 or not value.removeprefix("-").isdecimal():
        raise Invalid(text)
    return int(value)


def _cursor(value: str | None) -> uuid.UUID | None:
    if not value:
        return None
    try:
        return uuid.UUID(bytes=b64url_decode(value))
    except ValueError:
        raise Invalid("cursor is not one of ours") from None
