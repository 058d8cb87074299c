"""A new client in two steps: what kind of application it is, then what that kind is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from admin_api.console.tasks.access import actor_of, require
from admin_api.console.tasks.client_forms import NewClientForm, scope_rows, tell
from admin_api.console.tasks.kinds import KINDS
from admin_api.console.tasks.snippets import snippets
from admin_api.operations import Role
from authplane.core.console_pages import console_page, shown
from authplane.core.hashing import new_secret
from authplane.core.replay import spend_once
from oauth.clients import services
from oauth.registration.schema import BadMetadata

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from admin_api.console.tasks.kinds import Kind

NAMESPACE: Final = "console_form"
REMEMBERED: Final = 86400
SENT_BEFORE: Final = "This form was sent before: the client was made then. Look in the list."


@console_page("clients/new/", name="client-new", title="New client", needs=("oauth.add_client",))
def choose_kind(request: HttpRequest) -> HttpResponse:
    """Asks what kind of application it is."""
    require(request, Role.OPERATOR)
    return shown(request, "console/tasks/client_kinds.html", {"kinds": KINDS.values()})


@console_page(
    "clients/new/<slug:kind>/", name="client-new-kind", title="New client",
    needs=("oauth.add_client",),
)  # fmt: skip
@never_cache
def make(request: HttpRequest, kind: str) -> HttpResponse:
    """The questions of this kind; answered, the client, with its secret for the only time."""
    require(request, Role.OPERATOR)
    known = KINDS.get(kind)
    if known is None:
        raise Http404
    if known.missing_switch:
        return HttpResponseRedirect(reverse("admin:client-new"))
    form = NewClientForm(known, request.POST or None, initial={"once": new_secret(16)})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                made = services.create_client(form.document(), actor=actor_of(request))
                # Sent twice, by a double click or a reload, there is still one client.
                is_first = spend_once(
                    NAMESPACE, form.cleaned_data["once"], ttl=REMEMBERED, durable=True
                )
                if not is_first:
                    transaction.set_rollback(True)
        except BadMetadata as refusal:
            tell(form, refusal)
        else:
            if is_first:
                return made_page(request, made, title="Client created")
            form.add_error(None, SENT_BEFORE)
    return _form_page(request, form, known)


def made_page(request: HttpRequest, made: services.Created, *, title: str) -> HttpResponse:
    """The one page that shows the secret. Nothing keeps it: not the server, not the browser."""
    context = {
        "title": title, "client": made.client, "secret": made.secret,
        "snippets": snippets(made.client, secret=made.secret),
        "page": reverse("admin:client-page", args=[made.client.pk]),
    }  # fmt: skip
    answer = shown(request, "console/tasks/client_made.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _form_page(request: HttpRequest, form: NewClientForm, kind: Kind) -> HttpResponse:
    context = {
        "title": f"New client: {kind.title.lower()}", "form": form, "kind": kind,
        "scopes": scope_rows(form), "submit": "Create the client",
        "back": reverse("admin:client-new"), "trail": [("New client", reverse("admin:client-new"))],
    }  # fmt: skip
    status = 400 if form.errors else 200
    return shown(request, "console/tasks/client_form.html", context, status=status)
