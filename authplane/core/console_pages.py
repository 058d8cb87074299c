"""Pages of the operator console beside the lists of rows, and who may open them.

How a page is added. Its module lives in the highest layer it needs (most: ``admin_api/console/``)
and is imported by that app's ``admin`` module, which the console loads at start::

    @console_page("inspect/", name="inspect", title="Inspect a token",
                  needs=("oauth.view_accesstoken",))
    def inspect(request: HttpRequest) -> HttpResponse:
        return shown(request, "console/inspect.html", {"found": found})

It then answers at ``/console/inspect/`` and is called ``admin:inspect`` by ``reverse``. It is open
to staff who hold every permission of ``needs``; others get 403 and see no link to it. Its template
extends ``admin/base_site.html`` and fills the block ``content``. A line in
`authplane.core.console_menu` puts it into the navigation. Pages carry no inline script or style:
the console's policy for browsers runs neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    View = Callable[..., HttpResponseBase]

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A page at ``/console/<path>``. Its view checks ``needs``; that one is staff, the site."""

    path: str
    name: str
    title: str
    needs: tuple[str, ...]
    view: View

    def is_open_to(self, request: HttpRequest) -> bool:
        """Whether the person who asks may see it."""
        return may(request, *self.needs)


_pages: dict[str, ConsolePage] = {}


def console_page(
    path: str, *, name: str, title: str, needs: tuple[str, ...] = ()
) -> Callable[
    [Callable[Concatenate[HttpRequest, P], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, P], HttpResponseBase],
]:
    """The view is a page of the console from now on.

    Raises: ValueError when two pages claim one name.
    """

    def add(
        view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not may(request, *needs):
                raise PermissionDenied
            request.console_title = title  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        if name in _pages:
            raise ValueError(name)
        _pages[name] = ConsolePage(path, name, title, needs, guarded)
        return guarded

    return add


def pages() -> tuple[ConsolePage, ...]:
    """Every page that was added so far."""
    return tuple(_pages.values())


def page_called(name: str) -> ConsolePage | None:
    """The page of this name; None when nothing of the kind is installed."""
    return _pages.get(name)


@dataclass(frozen=True, slots=True)
class RowTool:
    """A link on the page of every row of a model, for those who hold ``needs``."""

    label: str
    url: Callable[[Any], str]
    needs: tuple[str, ...]


_tools: dict[str, list[RowTool]] = {}


def add_row_tool(
    model: str, label: str, url: Callable[[Any], str], *, needs: tuple[str, ...] = ()
) -> None:
    """Rows of ``model`` (`app.Model`) lead to ``url(row)`` from now on; no link where it is empty.

    So do pages of higher layers appear on rows of lower ones.
    """
    _tools.setdefault(model.lower(), []).append(RowTool(label, url, needs))


def row_tools(request: HttpRequest, row: Any) -> list[tuple[str, str]]:
    """Label and address of each link that this person sees on the page of ``row``."""
    label = row._meta.label_lower  # noqa: SLF001 - public by custom
    found = [tool for tool in _tools.get(label, []) if may(request, *tool.needs)]
    return [(tool.label, url) for tool in found if (url := tool.url(row))]


def may(request: HttpRequest, *permissions: str) -> bool:
    """Whether the signed-in operator holds all of these permissions."""
    user = request.user
    return user.is_active and user.is_staff and user.has_perms(permissions)


def shown(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> TemplateResponse:
    """The page as the console shows it, with navigation, search and the person's own tools."""
    base = {"title": getattr(request, "console_title", "")}
    return TemplateResponse(
        request,
        template,
        admin.site.each_context(request) | base | dict(context or {}),
        status=status,
    )
