"""`/console/approvals/`: clients that wait for administrators."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.http import Http404
from django.urls import reverse

from admin_api.administrators.operator import Operator, other_names
from admin_api.console.tasks.access import may
from admin_api.console.tasks.confirm import Action, confirm
from admin_api.console.tasks.record_words import people_of
from admin_api.operations import Role
from authplane.core.console_pages import console_page, shown
from oauth.consent.display import shown_client
from oauth.models import ClientApproval
from oauth.registration import approval

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

NEEDS: Final = ("oauth.view_clientapproval",)
SHOWN: Final = 100
CAUSES: Final = {
    "registered": "It registered itself.",
    "changed": "Its registration changed after it had been approved, or while it waited.",
    "requested": "An administrator wants others to look at it again.",
}


class ReasonForm(forms.Form):
    """Why, for the others and for the record."""

    reason = forms.CharField(
        label="Why", required=False, max_length=approval.MAX_REASON,
        widget=forms.Textarea({"rows": 2}), help_text="Other administrators see it.",
    )  # fmt: skip


@console_page("approvals/", name="approvals", title="Waiting for approval", needs=NEEDS)
def page(request: HttpRequest) -> HttpResponse:
    """Those that wait, the longest first."""
    rows = list(approval.approvals(ClientApproval.Outcome.WAITING).order_by("pk")[: SHOWN + 1])
    votes = {vote.administrator for row in rows for vote in row.votes.all()}
    people = people_of({*votes, *(row.requested_by for row in rows)})
    context = {
        "rows": [
            {
                "row": row, "client": row.client, "cause": CAUSES[row.cause],
                "needed": approval.needed_now(row),
                "votes": [(people[vote.administrator], vote) for vote in row.votes.all()],
                "asked_by": people[row.requested_by] if row.requested_by else None,
            }
            for row in rows[:SHOWN]
        ],
        "is_cut": len(rows) > SHOWN, "can_decide": may(request, Role.SECURITY),
    }  # fmt: skip
    return shown(request, "console/tasks/approvals.html", context)


@console_page(
    "approvals/<uuid:key>/<slug:verdict>/", name="approval-do", title="Approval", needs=NEEDS
)
def do(request: HttpRequest, key: uuid.UUID, verdict: str) -> HttpResponse:
    """What the client would be, then the verdict."""
    try:
        row = approval.find(key)
    except approval.NoSuchApproval:
        raise Http404 from None
    return confirm(
        request, actions=ACTIONS, name=verdict, thing=row, subject=str(row.client),
        back=reverse("admin:approvals"),
    )  # fmt: skip


def _what(row: ClientApproval) -> list[str]:
    client = row.client
    places = ", ".join(client.redirect_uri_list) or "none"
    return [
        f"{shown_client(client).name} calls itself that; nobody has checked it.",
        f"People would be sent back to: {places}.",
        f"It may use: {', '.join(client.grant_types)}.",
        f"Scopes it can have: {client.scope or 'any that people allow'}.",
    ]


def _approve_reaches(row: ClientApproval) -> list[str]:
    missing = approval.needed_now(row) - row.votes.count()
    more = (
        "With your word it works at once."
        if missing <= 1
        else f"Besides yours it takes {missing - 1} more."
    )
    return [*_what(row), more, "If it changes its registration afterwards, it waits again."]


def _reject_reaches(row: ClientApproval) -> list[str]:
    return [
        *_what(row),
        "It is revoked for good, whoever agreed before. Its developer has to register anew.",
    ]


def _approve(row: ClientApproval, answers: Mapping[str, Any], actor: str) -> str:
    after = approval.approve(
        row.pk, actor=actor, same_as=other_names(Operator(actor_id=actor)), reason=answers["reason"]
    )
    if after.outcome == ClientApproval.Outcome.APPROVED:
        return f"{row.client} is approved and works from now on."
    return f"Your word on {row.client} is noted. It takes another administrator."


def _reject(row: ClientApproval, answers: Mapping[str, Any], actor: str) -> str:
    approval.reject(row.pk, actor=actor, reason=answers["reason"])
    return f"{row.client} is rejected. Nobody can sign in with it."


ACTIONS: Final[Mapping[str, Action[ClientApproval]]] = {
    action.name: action
    for action in (
        Action(
            name="approve", label="Approve", title="Approve client", role=Role.SECURITY,
            reaches=_approve_reaches, do=_approve, form=ReasonForm, is_danger=False,
        ),
        Action(
            name="reject", label="Reject for good", title="Reject client", role=Role.SECURITY,
            reaches=_reject_reaches, do=_reject, form=ReasonForm,
        ),
    )
}  # fmt: skip
