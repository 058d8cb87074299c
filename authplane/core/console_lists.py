"""Lists of the console that stay quick on tables of millions of rows.

Nothing counts a whole table: a list knows its first thousand rows, and that there are more. Beyond
them one goes on from the last row seen, which is a range of the primary key and costs the same
anywhere in the table.
"""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import ForeignKey, Model, Q, QuerySet, UUIDField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Field

MAX_COUNTED: Final = 1000
MIN_PREFIX: Final = 4
UUID_DIGITS: Final = 32


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages over the first `MAX_COUNTED` rows; `is_cut` when there are more."""

    @cached_property
    def _counted(self) -> int:
        rows = self.object_list
        assert isinstance(rows, QuerySet)  # noqa: S101 - Django's lists are made of nothing else
        return rows.order_by()[: MAX_COUNTED + 1].count()

    @cached_property
    def count(self) -> int:
        """Rows that the pages hold. One statement, which reads at most `MAX_COUNTED` rows."""
        return min(self._counted, MAX_COUNTED)

    @property
    def is_cut(self) -> bool:
        """There are rows that no page shows."""
        return self._counted > MAX_COUNTED


class BoundedChangeList(ChangeList):
    """A list whose last page leads on to older rows, where rows are listed by time."""

    @property
    def is_cut(self) -> bool:
        """There are rows that no page shows."""
        return bool(self.paginator.is_cut)

    @property
    def older_url(self) -> str:
        """The list that begins behind the last row of the last page; empty elsewhere."""
        if not self.is_cut or self.page_num < self.paginator.num_pages:
            return ""
        last = list(self.result_list)[-1]
        key = self.opts.pk.name
        if f"-{key}" not in self.get_ordering(self._request, self.root_queryset):
            return ""
        return self.get_query_string({f"{key}__lt": str(last.pk)}, remove=[PAGE_VAR])

    def __init__(self, request: Any, *args: Any, **options: Any) -> None:
        self._request = request
        super().__init__(request, *args, **options)


def conditions(model: type[Model], fields: tuple[str, ...], term: str) -> Iterator[Q]:
    """What rows have to fulfil, one of these, for one of the fields to fit what was typed.

    An id fits by its first digits, as a range of its index. Of the others, `=name` fits as a whole,
    `^name` by its beginning, and `name` anywhere: that is for small tables, and not done with whole
    ids. Nothing comes of fields that the term cannot fit, so that they are not asked about.
    """
    bounds = id_range(term)
    for name in fields:
        plain = name.lstrip("=^")
        field: Any = model._meta.get_field(plain) if "__" not in plain else None  # noqa: SLF001 - public by custom
        if field is not None and _is_id(field):
            if bounds is not None:
                yield _between(field.attname, *bounds)
        elif name.startswith("="):
            yield Q(**{plain: term})
        elif name.startswith("^"):
            yield Q(**{f"{plain}__startswith": term})
        elif bounds is None or bounds[0] != bounds[1]:
            yield Q(**{f"{plain}__icontains": term})


def fitting(
    rows: QuerySet[Any], fields: tuple[str, ...], term: str, *, limit: int = MAX_COUNTED + 1
) -> QuerySet[Any]:
    """The newest of the rows that fit what was typed, at least ``limit`` if there are so many.

    Each condition is asked by itself. Joined by OR, none of them could be answered from its index
    in the order of time, and what nobody has would be looked for in the whole table.
    """
    asked = list(conditions(rows.model, fields, term))
    if len(asked) < 2:  # noqa: PLR2004 - then there is nothing to join
        return rows.filter(asked[0]) if asked else rows.none()
    found = {
        key
        for one in asked
        for key in rows.filter(one).order_by("-pk").values_list("pk", flat=True)[:limit]
    }
    return rows.filter(pk__in=found)


def _between(name: str, low: uuid.UUID, high: uuid.UUID) -> Q:
    return Q(**{name: low}) if low == high else Q(**{f"{name}__gte": low, f"{name}__lte": high})


def among_newest(rows: QuerySet[Any], count: int) -> QuerySet[Any]:
    """Those of ``rows`` that are among the newest ``count`` of their table.

    For questions without an index: what they read stays bounded however long the table is. One
    statement more, on the primary key alone.
    """
    keys = rows_of(rows.model).order_by("-pk").values_list("pk", flat=True)
    last = next(iter(keys[count : count + 1]), None)
    return rows if last is None else rows.filter(pk__gt=last)


def rows_of(model: type[Model]) -> QuerySet[Any]:
    """All rows of a model that is known by its class alone."""
    return model._default_manager.all()  # noqa: SLF001 - public by custom


def place_of(model: type[Model] | Model, view: str) -> str:
    """The name of a model's own page in the console: its `changelist`, or `change` for a row."""
    options = model._meta  # noqa: SLF001 - public by custom
    return f"admin:{options.app_label}_{options.model_name}_{view}"


def id_range(term: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """The least and the greatest id that begin with these digits; None for anything else."""
    digits = term.replace("-", "").lower()
    if not MIN_PREFIX <= len(digits) <= UUID_DIGITS or not set(digits) <= set("0123456789abcdef"):
        return None
    return uuid.UUID(digits.ljust(UUID_DIGITS, "0")), uuid.UUID(digits.ljust(UUID_DIGITS, "f"))


def _is_id(field: Field[Any, Any]) -> bool:
    target = field.target_field if isinstance(field, ForeignKey) else field
    return isinstance(target, UUIDField)
