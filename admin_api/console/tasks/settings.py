"""`/console/settings/`: what can be changed while the server runs, and who changed it last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse

from admin_api import runtime_settings
from admin_api.console.tasks import settings_forms as forms
from admin_api.console.tasks.access import actor_of, may, require
from admin_api.console.tasks.confirm import Action, confirm
from admin_api.console.tasks.record_words import people_of
from admin_api.operations import Role
from authplane.core import budgets, runtime
from authplane.core.config import config
from authplane.core.console_pages import console_page, shown
from authplane.core.models import RuntimeSetting
from oauth.registration import approval_rules, policy

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

NEEDS: Final = ("core.view_runtimesetting",)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting with its form and the name of its row."""

    name: str
    title: str
    row: str
    role: Role
    form: type[forms.SettingForm]
    done: str


SETTINGS: Final = {
    setting.name: setting
    for setting in (
        Setting(
            "registration", "Who may register clients", policy.SETTING, Role.SECURITY,
            forms.ModeForm, "Every process follows within seconds.",
        ),
        Setting(
            "approval", "Who has to agree to them", approval_rules.SETTING, Role.OWNER,
            forms.ApprovalForm, "Those that wait are under Waiting for approval.",
        ),
        Setting(
            "limits", "How much one caller may ask for", budgets.SETTING, Role.SECURITY,
            forms.LimitsForm, "Every process follows within seconds.",
        ),
        Setting(
            "notices", "What operators should know", runtime_settings.NOTICES, Role.OPERATOR,
            forms.NoticeForm, "It stands on the overview from now on.",
        ),
    )
}  # fmt: skip


@console_page("settings/", name="settings", title="Settings", needs=NEEDS)
def page(request: HttpRequest) -> HttpResponse:
    """All of them as they are."""
    runtime.look_again()
    rows = {row.name: row for row in RuntimeSetting.objects.all()}
    people = people_of(row.updated_by for row in rows.values())
    told = _told()
    settings = [
        {
            "setting": one, "lines": told[one.name], "row": rows.get(one.row),
            "who": people[rows[one.row].updated_by] if one.row in rows else None,
            "can_change": may(request, one.role),
        }
        for one in SETTINGS.values()
    ]  # fmt: skip
    context = {
        "settings": settings, "notices": runtime_settings.notices(),
        "can_remove": may(request, Role.OPERATOR),
    }  # fmt: skip
    return shown(request, "console/tasks/settings.html", context)


@console_page("settings/<slug:name>/", name="settings-change", title="Settings", needs=NEEDS)
def change(request: HttpRequest, name: str) -> HttpResponse:
    """One of them."""
    setting = SETTINGS.get(name)
    if setting is None:
        raise Http404
    require(request, setting.role)
    runtime.look_again()
    form = setting.form(request.POST or None)
    back = reverse("admin:settings")
    if request.method == "POST" and form.is_valid():
        form.save(actor_of(request))
        messages.success(request, f"Saved. {setting.done}")
        return HttpResponseRedirect(back)
    context = {
        "title": setting.title, "form": form, "back": back, "submit": "Save",
        "trail": [("Settings", back)],
    }  # fmt: skip
    return shown(request, "console/tasks/form.html", context, status=400 if form.errors else 200)


@console_page(
    "settings/notices/<str:name>/remove/", name="notice-remove", title="Settings", needs=NEEDS
)
def remove_notice(request: HttpRequest, name: str) -> HttpResponse:
    """A notice, to be taken down."""
    runtime.look_again()
    notice = next((one for one in runtime_settings.notices() if one["id"] == name), None)
    if notice is None:
        raise Http404
    return confirm(
        request, actions={REMOVE.name: REMOVE}, name=REMOVE.name, thing=notice,
        subject=notice["title"], back=reverse("admin:settings"),
    )  # fmt: skip


def _remove(notice: dict[str, str], _: Any, actor: str) -> str:
    others = [one for one in runtime_settings.notices() if one["id"] != notice["id"]]
    runtime_settings.replace_notices(others, actor=actor)
    return "The notice is taken down."


REMOVE: Final[Action[dict[str, str]]] = Action(
    name="remove", label="Take it down", title="Take down notice", role=Role.OPERATOR,
    reaches=lambda notice: ["Nobody sees it on the overview any more.", notice["body"]],
    do=_remove,
)  # fmt: skip


def _told() -> dict[str, list[str]]:
    """What each of them says at present."""
    mode, limits = policy.mode(), runtime_settings.shown_limits()
    first = [forms.shown_mode(mode)]
    if mode is policy.Mode.APPROVED_REDIRECTS:
        known = len(config().dcr.approved_redirects)
        first.append(f"{known} redirect URIs are on the list (AUTHPLANE_DCR_APPROVED_REDIRECTS).")
    changed = set(limits["changed"])
    return {
        "registration": first,
        "approval": [forms.shown_counts(approval_rules.shown_rules(approval_rules.rules()))],
        "limits": [
            f"{label}: {limits[name]}{' (changed here)' if name in changed else ''}"
            for name, (label, _) in forms.LIMITS.items()
        ],
        "notices": [],
    }
