"""`/console/clients/<id>/`: one client, what it holds, and what can be done about it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils.timesince import timesince

from admin_api.console.tasks.access import actor_of, may, require
from admin_api.console.tasks.client_actions import ACTIONS
from admin_api.console.tasks.client_forms import ChangedClientForm, scope_rows, tell
from admin_api.console.tasks.confirm import confirm, offered
from admin_api.console.tasks.numbers import consents_to, families_in_force, tokens_in_force, told
from admin_api.console.tasks.snippets import snippets
from admin_api.operations import Role
from audit.selectors import find_events
from authplane.core import clock
from authplane.core.console_pages import console_page, shown
from oauth.clients import services
from oauth.clients.errors import ClientError
from oauth.models import AccessToken, Client
from oauth.registration.schema import BadMetadata
from oauth.tokens.issued import shown_tokens

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

NEEDS: Final = ("oauth.view_client",)
LATEST: Final = 10
MINUTE: Final = timedelta(minutes=1)
FIXED: Final = (Client.Source.CIMD,)
"""The next fetch of its document would undo a change without a word."""
METHODS: Final = {
    "none": "nothing: it is public",
    "client_secret_basic": "a secret, in the header",
    "client_secret_post": "a secret, in the body",
    "private_key_jwt": "its own key",
    "tls_client_auth": "its certificate",
}
TONES: Final = {"active": "good", "pending": "warn", "suspended": "warn", "revoked": "bad"}


@console_page("clients/<uuid:key>/", name="client-page", title="Client", needs=NEEDS)
def page(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The client."""
    client, now = _client(key), clock.now()
    tokens = list(
        AccessToken.objects.filter(application=key)
        .select_related("application")
        .order_by("-pk")[:LATEST]
    )
    context = {
        "title": client.name or client.client_id, "client": client, "now": now,
        "tone": TONES.get(client.status, ""), "actions": offered(request, ACTIONS, client),
        "method": METHODS.get(client.token_endpoint_auth_method, client.token_endpoint_auth_method),
        "can_change": may(request, Role.OPERATOR) and client.registration_source not in FIXED,
        "tokens": shown_tokens(tokens, now=now), "last_used": tokens[0].created if tokens else None,
        "used": _ago(tokens[0].created, now=now) if tokens else "",
        "in_force": told(tokens_in_force(now).filter(application=key), "access token"),
        "families": told(families_in_force(now).filter(client=key), "sign-in"),
        "consents": told(consents_to(key), "consent"),
        "events": list(find_events(client_id=client.client_id)[:LATEST]),
        "snippets": snippets(client),
        "old_secret_until": client.previous_secret_expires_at
        if client.previous_secret_expires_at and client.previous_secret_expires_at > now else None,
    }  # fmt: skip
    return shown(request, "console/tasks/client.html", context)


@console_page(
    "clients/<uuid:key>/change/", name="client-change", title="Change client", needs=NEEDS
)
def change(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Another name, other redirect URIs or scopes."""
    require(request, Role.OPERATOR)
    client = _client(key)
    form = ChangedClientForm(client, request.POST or None)
    back = reverse("admin:client-page", args=[key])
    if request.method == "POST" and form.is_valid():
        try:
            services.update_client(
                client.client_id, changes=form.changes(), version=form.cleaned_data["version"],
                actor=actor_of(request),
            )  # fmt: skip
        except BadMetadata as refusal:
            tell(form, refusal)
        except ClientError:
            form.add_error(
                None,
                "Somebody else changed this client meanwhile. Open it again and repeat yours.",
            )
        else:
            messages.success(
                request, "Changed. People are asked again where name or redirect URIs differ."
            )
            return HttpResponseRedirect(back)
    context = {
        "title": f"Change {client}", "form": form, "scopes": scope_rows(form), "back": back,
        "submit": "Save", "trail": [(str(client), back)],
    }  # fmt: skip
    return shown(
        request, "console/tasks/client_form.html", context, status=400 if form.errors else 200
    )


@console_page("clients/<uuid:key>/<slug:action>/", name="client-do", title="Client", needs=NEEDS)
def do(request: HttpRequest, key: uuid.UUID, action: str) -> HttpResponse:
    """What the action reaches, then the action."""
    client = _client(key)
    page_of = reverse("admin:client-page", args=[key])
    gone = request.method == "POST" and action == "delete"
    answer = confirm(
        request, actions=ACTIONS, name=action, thing=client, subject=str(client), back=page_of
    )
    if gone and isinstance(answer, HttpResponseRedirect):
        return HttpResponseRedirect(reverse("admin:oauth_client_changelist"))
    return answer


def _ago(moment: datetime, *, now: datetime) -> str:
    return f"{timesince(moment, now)} ago" if now - moment >= MINUTE else "just now"


def _client(key: uuid.UUID) -> Client:
    """Raises: Http404."""
    client: Client | None = Client.objects.filter(pk=key, issuer="").first()
    if client is None:
        raise Http404
    return client
