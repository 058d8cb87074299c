"""An action in two steps: what it reaches is said first, and only then it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from admin_api.administrators.staff import role_needed_for
from admin_api.console.tasks.access import actor_of, may, require
from admin_api.console.tasks.refusals import REFUSALS, sentences
from admin_api.operations import Role
from authplane.accounts.models import User
from authplane.core.console_pages import shown

if TYPE_CHECKING:
    from django.http import HttpRequest

T = TypeVar("T")
CONFLICT = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Generic[T]):
    """Something that is done to one thing.

    `reaches` says what it ends or changes, in sentences with numbers. `do` calls the service as
    the named actor and returns what to tell afterwards, or a whole answer. `is_offered` keeps it
    away from things that it does not fit; the service has the last word.
    """

    name: str
    label: str
    title: str
    role: Role
    reaches: Callable[[T], list[str]]
    do: Callable[[T, Mapping[str, Any], str], str | Callable[[HttpRequest], HttpResponse]]
    is_offered: Callable[[T], bool] = lambda _: True
    form: type[forms.Form] | None = None
    is_danger: bool = True


def offered(request: HttpRequest, actions: Mapping[str, Action[T]], thing: T) -> list[Action[T]]:
    """Those that fit the thing and the person."""
    return [
        action
        for action in actions.values()
        if may(request, _needed(action, thing)) and action.is_offered(thing)
    ]


def _needed(action: Action[T], thing: T) -> Role:
    """What is done to staff takes their own role at least, here as at the operator API."""
    own = role_needed_for(str(thing.pk)) if isinstance(thing, User) else Role.VIEWER
    return own if own.may(action.role) else action.role


def confirm(
    request: HttpRequest, *, actions: Mapping[str, Action[T]], name: str, thing: T, back: str,
    subject: str, extra: Mapping[str, Any] | None = None,
) -> HttpResponse:  # fmt: skip
    """The page that asks, or, when it was answered, the action itself.

    ``subject`` is what the thing is called, ``back`` the page about it, where one lands afterwards.
    ``extra`` goes to the page as well; its `preview` is a template that stands above the question.
    """
    action = actions.get(name)
    if action is None:
        raise Http404
    require(request, _needed(action, thing))
    posted = request.POST if request.method == "POST" else None
    form = action.form(posted) if action.form else None
    problems: list[str] = []
    if posted is not None and (form is None or form.is_valid()):
        try:
            answer = action.do(thing, form.cleaned_data if form else {}, actor_of(request))
        except REFUSALS as refusal:
            problems = sentences(refusal)
        else:
            if callable(answer):
                return answer(request)
            messages.success(request, answer)
            return HttpResponseRedirect(back)
    context = {
        "title": f"{action.title}: {subject}", "action": action, "form": form, "back": back,
        "subject": subject, "reaches": action.reaches(thing), "problems": problems,
        **(extra or {}),
    }  # fmt: skip
    status = CONFLICT if problems else 400 if form is not None and form.errors else 200
    return shown(request, "console/tasks/confirm.html", context, status=status)
