"""`/console/fronting/`: which resource may stand in front of which, tried before it is saved."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.http import Http404, HttpResponse
from django.urls import reverse

from admin_api.console.tasks.confirm import Action, confirm
from admin_api.console.tasks.editing import Editor, edit
from admin_api.operations import Role
from authplane.core.console_pages import console_page
from oauth.models import FrontingLink
from oauth.resources.fronting import services
from oauth.resources.selectors import directory

if TYPE_CHECKING:
    from django.http import HttpRequest

NEEDS: Final = ("oauth.view_frontinglink",)
ARROW: Final = "->"
LEAD: Final = (
    "Whoever holds a token for the source may exchange it for one of the target, scope by scope. "
    "Check only does every check and changes nothing."
)


class ScopeMapField(forms.CharField):
    """`read -> notes.read notes.list`, one source scope in a line."""

    def __init__(self) -> None:
        super().__init__(
            label="Scopes", max_length=24_000,
            widget=forms.Textarea(
                {"rows": 4, "spellcheck": "false", "placeholder": "read -> notes.read notes.list"}
            ),
            help_text="One scope of the source in a line, an arrow, and the scopes of the target "
            "that it becomes.",
        )  # fmt: skip

    def to_python(self, value: Any) -> dict[str, list[str]]:  # type: ignore[override]
        """The map. Raises: ValidationError for a line without an arrow, or a scope said twice."""
        found: dict[str, list[str]] = {}
        for number, line in enumerate(str(value or "").splitlines(), start=1):
            if not line.strip():
                continue
            name, arrow, targets = line.partition(ARROW)
            if not arrow:
                raise forms.ValidationError(f"Line {number} has no arrow ({ARROW}).")
            if name.strip() in found:
                raise forms.ValidationError(f"Line {number} repeats a scope of the source.")
            found[name.strip()] = targets.split()
        return found

    def run_validators(self, value: Any) -> None:
        """The service checks the map."""

    def prepare_value(self, value: Any) -> Any:
        """A map, as lines."""
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{name} {ARROW} {' '.join(to)}" for name, to in value.items())


def _slugs() -> list[tuple[str, str]]:
    return [
        (one.slug, f"{one.slug} ({' '.join(sorted(one.scope_names)) or 'no scopes'})")
        for one in sorted(directory().resources, key=lambda one: one.slug)
    ]


class LinkForm(forms.Form):
    """A new link."""

    source = forms.ChoiceField(
        label="Source", choices=_slugs, help_text="The resource that applications call."
    )
    target = forms.ChoiceField(label="Target", choices=_slugs, help_text="The resource behind it.")
    scope_map = ScopeMapField()


class MapForm(forms.Form):
    """Another scope map of a link."""

    scope_map = ScopeMapField()


@console_page("fronting/new/", name="fronting-new", title="New link", needs=NEEDS)
def new(request: HttpRequest) -> HttpResponse:
    """A link between two resources."""
    editor = Editor(
        title="New fronting link", role=Role.OPERATOR, lead=LEAD, back=_list(),
        save=lambda given, actor: services.create_link(given, actor=actor),
        rehearse=lambda given, actor: _told(
            services.create_link(given, actor=actor, dry_run=True)
        ),
        done="The link counts from now on, in every process within seconds.",
    )  # fmt: skip
    return edit(request, editor, LinkForm(request.POST or None))


@console_page("fronting/<uuid:key>/change/", name="fronting-change", title="Link", needs=NEEDS)
def change(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The link with another scope map."""
    row = _link(key)
    ends = (row.source.slug, row.target.slug)
    editor = Editor(
        title=f"{row.source.slug} in front of {row.target.slug}", role=Role.OPERATOR, lead=LEAD,
        save=lambda given, actor: services.patch_link(*ends, given, actor=actor),
        rehearse=lambda given, actor: _told(
            services.patch_link(*ends, given, actor=actor, dry_run=True)
        ),
        done="The link has this map from now on, in every process within seconds.", back=_list(),
    )  # fmt: skip
    form = MapForm(request.POST or None, initial={"scope_map": row.scope_map})
    return edit(request, editor, form)


@console_page("fronting/<uuid:key>/delete/", name="fronting-delete", title="Link", needs=NEEDS)
def delete(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Who loses the way, then its end."""
    row = _link(key)
    return confirm(
        request, actions={"delete": DELETE}, name="delete", thing=row, back=_list(),
        subject=f"{row.source.slug} in front of {row.target.slug}",
    )  # fmt: skip


def _reaches(row: FrontingLink) -> list[str]:
    return [
        (
            f"Tokens for {row.source.slug} cannot be exchanged for tokens for {row.target.slug} "
            "any more."
        ),
        (
            f"{len(row.scope_map)} scopes of the source lead nowhere then: "
            f"{', '.join(sorted(row.scope_map))}."
        ),
        "Tokens that were exchanged stay good until they expire.",
    ]


def _deleted(row: FrontingLink, _: Mapping[str, Any], actor: str) -> str:
    services.delete_link(row.source.slug, row.target.slug, actor=actor)
    return f"{row.source.slug} does not stand in front of {row.target.slug} any more."


DELETE: Final[Action[FrontingLink]] = Action(
    name="delete", label="Delete the link", title="Delete fronting link", role=Role.OPERATOR,
    reaches=_reaches, do=_deleted,
)  # fmt: skip


def _told(row: FrontingLink) -> list[str]:
    return [f"{name} becomes {' '.join(to)}" for name, to in row.scope_map.items()]


def _list() -> str:
    return reverse("admin:oauth_frontinglink_changelist")


def _link(key: uuid.UUID) -> FrontingLink:
    """Raises: Http404."""
    row = FrontingLink.objects.select_related("source", "target").filter(pk=key).first()
    if row is None:
        raise Http404
    return row
