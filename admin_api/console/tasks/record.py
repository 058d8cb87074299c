"""`/console/record/`: the audit record, to be searched, read in words, and taken along."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from admin_api.console.tasks.access import actor_of, may, require
from admin_api.console.tasks.record_search import PAGE, WINDOW, search
from admin_api.console.tasks.record_words import (
    client_of,
    facts_of,
    meaning_of,
    people_of,
    refusal_of,
)
from admin_api.operations import Role
from audit.events import CATALOGUE, AuditExported
from audit.exporting import MEDIA_TYPES, exported
from audit.models import AuditEvent
from audit.record import record as write_record
from audit.selectors import find_events
from audit.view import address_of
from authplane.core import clock
from authplane.core.console_pages import console_page, shown
from authplane.core.ids import id_or_none

if TYPE_CHECKING:
    from django.http import HttpRequest

NEEDS: Final = ("audit.view_auditevent",)
EXPORTER: Final = Role.SECURITY
FORMATS: Final = ("jsonl", "csv")
LONGEST: Final = 512
COLUMNS: Final = {
    "action": "action", "actor": "actor_id", "client": "client_id", "request": "request_id",
}  # fmt: skip


class Filters(forms.Form):
    """What is looked for. Each is found as a whole, never by a part of it."""

    action = forms.ChoiceField(label="What happened", required=False)
    actor = forms.CharField(label="Who (id)", required=False, max_length=255)
    client = forms.CharField(label="Client id", required=False, max_length=LONGEST)
    request = forms.CharField(label="Request id", required=False, max_length=64)
    since = forms.DateTimeField(
        label="From (UTC)", required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    until = forms.DateTimeField(
        label="Until (UTC)", required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["action"].choices = _actions()  # type: ignore[attr-defined]

    def asked(self) -> dict[str, str]:
        """The filters by the names of their columns."""
        given = self.cleaned_data
        return {column: given[name].strip() for name, column in COLUMNS.items() if given.get(name)}

    def moments(self) -> tuple[datetime | None, datetime | None]:
        """From and until. A minute that was chosen as the end is part of what is shown."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        return since, until + timedelta(minutes=1) if until else None


@console_page("record/", name="record", title="Audit record", needs=NEEDS)
def browse(request: HttpRequest) -> HttpResponse:
    """A page of the record."""
    form = Filters(request.GET)
    context: dict[str, Any] = {
        "form": form, "page": PAGE, "window": WINDOW, "can_export": may(request, EXPORTER),
        "formats": FORMATS,
    }  # fmt: skip
    if not form.is_valid():
        return shown(request, "console/tasks/record.html", context, status=400)
    since, until = form.moments()
    before = id_or_none(request.GET.get("before"))
    found = search(form.asked(), since=since, until=until, before=before)
    people = people_of(row.actor_id for row in found.rows)
    query = request.GET.copy()
    query.pop("before", None)
    context |= {
        "rows": [
            {
                "row": row, "who": people[row.actor_id], "meaning": meaning_of(row.action),
                "reason": row.detail.get("reason", ""),
            }
            for row in found.rows
        ],
        "older": f"?{_with(query, before=found.older)}" if found.older else "",
        "newest": f"?{query.urlencode()}" if "before" in request.GET else "",
        "is_window": found.is_window,
        "filters": [(name, value) for name, value in query.items() if value],
    }  # fmt: skip
    return shown(request, "console/tasks/record.html", context)


@console_page("record/<uuid:key>/", name="record-row", title="Audit record", needs=NEEDS)
def one(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """One row in words."""
    row = AuditEvent.objects.filter(pk=key).first()
    if row is None:
        raise Http404
    context = {
        "title": row.action, "row": row, "meaning": meaning_of(row.action),
        "who": people_of([row.actor_id])[row.actor_id], "client": client_of(row),
        "facts": facts_of(row),
        "refusal": refusal_of(row), "address": address_of(row),
        "trail": [("Audit record", reverse("admin:record"))],
    }  # fmt: skip
    return shown(request, "console/tasks/record_row.html", context)


@console_page("record/export/", name="record-export", title="Export", needs=NEEDS)
@require_POST
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The rows of the filter as a file, the oldest first; the record says who took them."""
    require(request, EXPORTER)
    form, kind = Filters(request.POST), request.POST.get("format", "")
    if kind not in FORMATS or not form.is_valid():
        return HttpResponse(status=400)
    since, until = form.moments()
    asked = form.asked()
    wanted = asked.pop("request_id", "")
    rows = find_events(**asked, since=since, until=until)
    write_record(
        AuditExported(
            actor_id=actor_of(request),
            format=kind,
            since=clock.as_text_or_none(since) or "",
            until=clock.as_text_or_none(until) or "",
        )
    )
    if wanted:
        rows = rows.filter(request_id=wanted)
    stamp = clock.now().strftime("%Y%m%d-%H%M%S")
    return StreamingHttpResponse(
        _bytes(exported(kind, rows)),
        content_type=MEDIA_TYPES[kind],
        headers={
            "Content-Disposition": f'attachment; filename="audit-{stamp}.{kind}"',
            "Cache-Control": "no-store",
        },
    )


def _actions() -> list[tuple[str, Any]]:
    """Every action, by the noun before its dot."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for action in sorted(CATALOGUE):
        groups.setdefault(action.partition(".")[0].replace("_", " "), []).append((action, action))
    return [("", "anything"), *groups.items()]


def _with(query: Any, **more: Any) -> str:
    changed = query.copy()
    for name, value in more.items():
        changed[name] = str(value)
    return str(changed.urlencode())


def _bytes(pieces: Iterator[str]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.encode()
