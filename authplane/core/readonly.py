"""Console pages that show rows and change none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.admin import ModelAdmin, ShowFacets
from django.db.models import Model, QuerySet
from django.utils.text import capfirst

from authplane.core.console_lists import BoundedChangeList, BoundedPaginator, fitting
from authplane.core.console_pages import row_tools

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    _Base = ModelAdmin[Any]
else:
    _Base = ModelAdmin  # Generic to type checkers alone.


class ReadOnlyAdmin(_Base):
    """Shows the fields it lists, never a column that was added to the table since.

    Its list takes the same few statements however many rows there are. Only its own order is
    offered, because it has an index; `search_fields` are read by `conditions`.
    """

    actions = None
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # They would count whole tables.
    list_per_page = 50
    paginator = BoundedPaginator
    change_list_template = "console/rows.html"
    change_form_template = "console/row.html"
    sortable_by: ClassVar[tuple[str, ...]] = ()
    shown: ClassVar[tuple[str, ...]] = ()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list under the name of what it lists."""
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, title | (extra_context or {}))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One row, under its name."""
        title = {"title": capfirst(self.opts.verbose_name)}
        return super().change_view(request, object_id, form_url, title | (extra_context or {}))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """One row, with links to what can be done about it."""
        row = kwargs.get("obj")
        if row is not None:
            context["row_tools"] = row_tools(request, row)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:  # noqa: ARG002 - Django's
        """The kind of list."""
        return BoundedChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows that fit what was typed; never the same one twice."""
        term = search_term.strip()
        if not term:
            return queryset, False
        fields = tuple(self.get_search_fields(request))
        return fitting(queryset, fields, term), False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:  # noqa: ARG002 - Django's
        """What is shown of a row."""
        return self.shown

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        """All of it, so that no form can post any of it."""
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's
        """Rows are made by services, which check, record and tell the caches."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's
        """As for adding."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's
        """As for adding."""
        return False
