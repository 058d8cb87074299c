"""What cells of the console's lists look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin import SimpleListFilter
from django.urls import reverse
from django.utils.html import format_html

from authplane.core import clock
from authplane.core.console_lists import among_newest, place_of

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.admin import ModelAdmin
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

FILTERED: Final = 100_000
_TONES: Final = {
    "active": "good", "enabled": "good", "suspended": "warn", "reauth_required": "warn",
    "disabled": "warn", "waiting": "warn", "revoked": "bad", "ended": "bad",
}  # fmt: skip


def badge(text: str, tone: str = "") -> SafeString:
    """A state, coloured by what it means; the word says the same without the colour."""
    return format_html('<span class="badge {}">{}</span>', tone or _TONES.get(text, ""), text)


def enabled(is_enabled: bool) -> SafeString:
    """Whether a thing is in use."""
    return badge("enabled" if is_enabled else "disabled")


def life(
    revoked_at: datetime | None, expires_at: datetime | None, *, reason: str = ""
) -> SafeString:
    """How a row stands by its own dates: what else may have ended it is not asked."""
    if revoked_at is not None:
        return badge(f"revoked: {reason}" if reason else "revoked", "bad")
    if expires_at is not None and expires_at <= clock.now():
        return badge("expired")
    return badge("not revoked", "good")


def linked(row: Model | None, text: str = "") -> SafeString | str:
    """A link to the page of a row that was read already."""
    if row is None:
        return "-"
    return format_html(
        '<a href="{}">{}</a>', reverse(place_of(row, "change"), args=[row.pk]), text or row
    )


class NewestFilter(SimpleListFilter):
    """A filter on a column without an index, among the newest rows only; it says so."""

    column = ""
    choices_of: tuple[str, ...] = ()

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's
        """The values of the column."""
        return [(value, value) for value in self.choices_of]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - Django's
        """The newest rows that have the chosen value. Another value is no choice."""
        if self.value() not in self.choices_of:
            return queryset
        return among_newest(queryset, FILTERED).filter(**{self.column: self.value()})


def newest_filter(column: str, values: tuple[str, ...], *, title: str = "") -> type[NewestFilter]:
    """A filter of this column."""
    shown = f"{title or column} (of the newest {FILTERED:,})"
    return type(
        f"{column.title()}Filter",
        (NewestFilter,),
        {"title": shown, "parameter_name": column, "column": column, "choices_of": values},
    )
