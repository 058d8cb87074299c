"""Settings that change while the server runs, as forms. The services decide what is possible."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django import forms

from admin_api import runtime_settings
from admin_api.viewsets.runtime_settings import MAX_BODY, MAX_TITLE
from authplane.core import budgets
from authplane.core.hashing import new_secret
from oauth.registration import approval_rules, policy
from oauth.registration.policy import Mode

MODES: Final = {
    Mode.OPEN: "Anybody may register clients",
    Mode.APPROVED_REDIRECTS: "Only with redirect URIs from the list in the configuration",
    Mode.ADMIN_ONLY: "Only administrators make clients",
}
COUNTS: Final = (
    (0, "Nobody: they work at once"),
    (1, "One administrator agrees"),
    (2, "Two different administrators agree"),
)
LIMITS: Final = {
    "requests_per_second": ("Requests a second", "From one address, over a longer time."),
    "request_burst": ("Requests at once", "From one address, after it was quiet."),
    "registrations_per_second": ("Registrations a second", "Of clients, from one address."),
    "registration_burst": ("Registrations at once", "Of clients, from one address."),
    "software_registrations_per_second": (
        "Registrations a second of one software",
        "From all addresses together.",
    ),
}


class ModeForm(forms.Form):
    """Who may register clients."""

    mode = forms.ChoiceField(
        label="Who may register clients", widget=forms.RadioSelect,
        choices=[(str(mode), text) for mode, text in MODES.items()],
        help_text="Clients that are known already go on working. Metadata documents count as "
        "registering, too.",
    )  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        options["initial"] = {"mode": policy.mode().value}
        super().__init__(*args, **options)

    def save(self, actor: str) -> None:
        """The mode holds in every process within seconds."""
        policy.set_mode(Mode(self.cleaned_data["mode"]), actor=actor)


class ApprovalForm(forms.Form):
    """How many administrators have to agree to clients that nobody here made."""

    dcr = forms.TypedChoiceField(
        label="Clients that register themselves", choices=COUNTS, coerce=int,
        widget=forms.RadioSelect,
    )  # fmt: skip
    cimd = forms.TypedChoiceField(
        label="Clients with a metadata document", choices=COUNTS, coerce=int,
        widget=forms.RadioSelect,
    )  # fmt: skip
    modes = forms.MultipleChoiceField(
        label="While registration is", required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(str(mode), text) for mode, text in MODES.items()],
        help_text="In the other modes nobody is asked. Clients that wait already go on waiting.",
    )  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        now = approval_rules.rules()
        options["initial"] = {"dcr": now.dcr, "cimd": now.cimd, "modes": list(now.modes)}
        super().__init__(*args, **options)

    def save(self, actor: str) -> None:
        """The rules hold in every process within seconds."""
        approval_rules.change_rules(self.cleaned_data, actor=actor)


class LimitsForm(forms.Form):
    """How much one caller may ask for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        shown = runtime_settings.shown_limits()
        options["initial"] = {name: shown[name] for name in shown["changed"]}
        super().__init__(*args, **options)
        configured = budgets.configured()
        for name, (label, text) in LIMITS.items():
            self.fields[name] = forms.IntegerField(
                label=label, required=False, min_value=1, max_value=runtime_settings.HIGHEST,
                help_text=f"{text} Left empty: {getattr(configured, name)}, as configured.",
            )  # fmt: skip

    def save(self, actor: str) -> None:
        """The limits hold in every process within seconds."""
        runtime_settings.change_limits(self.cleaned_data, actor=actor)


class NoticeForm(forms.Form):
    """Something that operators should know when they open the console."""

    title = forms.CharField(label="Title", max_length=MAX_TITLE)
    body = forms.CharField(
        label="What they should know", max_length=MAX_BODY, widget=forms.Textarea({"rows": 3})
    )
    severity = forms.ChoiceField(
        label="How it is shown", widget=forms.RadioSelect, initial="info",
        choices=[("info", "To be known"), ("warning", "As a warning")],
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """There is room for one more."""
        given = super().clean() or {}
        if len(runtime_settings.notices()) >= runtime_settings.MAX_NOTICES:
            raise forms.ValidationError(
                f"There are {runtime_settings.MAX_NOTICES} notices already. Remove one first."
            )
        return given

    def save(self, actor: str) -> None:
        """The notice stands beside those there are."""
        notice = {"id": _name_for(self.cleaned_data["title"]), **self.cleaned_data}
        runtime_settings.replace_notices([*runtime_settings.notices(), notice], actor=actor)


def _name_for(title: str) -> str:
    """An id that can be read, and that no other notice has."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-") or "notice"
    return f"{words}-{re.sub(r'[^a-z0-9]', '', new_secret(16).lower())[:8]}"


def shown_mode(mode: Mode) -> str:
    """What the mode means."""
    return MODES[mode]


def shown_counts(rules: Mapping[str, Any]) -> str:
    """The rules of approval in a sentence."""
    told = {0: "nobody is asked", 1: "one administrator agrees", 2: "two administrators agree"}
    return (
        f"Self-registered clients: {told[rules['dcr']]}. "
        f"Clients with a metadata document: {told[rules['cimd']]}."
    )


SettingForm = ModeForm | ApprovalForm | LimitsForm | NoticeForm
"""A form about one setting: `save(actor)` calls its service."""
