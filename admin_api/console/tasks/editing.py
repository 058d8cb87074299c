"""A form whose answers one service checks and stores, or only checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect

from admin_api.console.tasks.access import actor_of, require
from admin_api.console.tasks.refusals import REFUSALS, sentences
from admin_api.operations import Role
from authplane.core.console_pages import shown

if TYPE_CHECKING:
    from django.http import HttpRequest

CONFLICT: Final = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """What stores the answers, and what is said then.

    `save` gets the answers and the name of the actor. `rehearse`, where there is one, does every
    check of it and stores nothing; it returns what to say of it.
    """

    title: str
    role: Role
    save: Callable[[Mapping[str, Any], str], object]
    done: str
    back: str
    submit: str = "Save"
    lead: str = ""
    rehearse: Callable[[Mapping[str, Any], str], list[str]] | None = None


def edit(request: HttpRequest, editor: Editor, form: forms.Form, **context: Any) -> HttpResponse:
    """The form; answered, what came of it."""
    require(request, editor.role)
    outcome: dict[str, Any] = {}
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            if editor.rehearse is not None and "rehearse" in request.POST:
                lines = editor.rehearse(form.cleaned_data, actor_of(request))
                outcome = {"tone": "good", "title": "This can be saved. Nothing was changed."}
                outcome["lines"] = lines
            else:
                editor.save(form.cleaned_data, actor_of(request))
                messages.success(request, editor.done)
                return HttpResponseRedirect(editor.back)
        except REFUSALS as refusal:
            problems = _tell(form, refusal)
    page = {
        "title": editor.title, "form": form, "lead": editor.lead, "submit": editor.submit,
        "back": editor.back, "outcome": outcome, "problems": problems,
        "rehearse": "Check only" if editor.rehearse else "", **context,
    }  # fmt: skip
    status = CONFLICT if problems else 400 if form.errors else 200
    return shown(request, "console/tasks/form.html", page, status=status)


def _tell(form: forms.Form, refusal: Exception) -> list[str]:
    """What belongs to a question stands beside it; the rest is returned."""
    rest = []
    for problem in getattr(refusal, "problems", ()):
        field = str(getattr(problem, "field", "")).partition(".")[0]
        if field in form.fields:
            form.add_error(field, str(problem))
        else:
            rest.append(str(problem))
    return rest if form.errors or rest else sentences(refusal)


class Lines(forms.CharField):
    """Several values, one in a line."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("required", False)
        options.setdefault("max_length", 24_000)
        options["widget"] = forms.Textarea({"rows": 3, "spellcheck": "false"})
        super().__init__(**options)

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        """The lines that hold something."""
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def run_validators(self, value: Any) -> None:
        """The service checks each line."""

    def prepare_value(self, value: Any) -> Any:
        """A list, as lines."""
        return "\n".join(value) if isinstance(value, list) else value
