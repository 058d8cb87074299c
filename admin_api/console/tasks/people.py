"""`/console/people/<id>/`: one user, what was allowed and connected, and how to end it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404, HttpResponseRedirect
from django.urls import reverse

from admin_api.administrators.staff import role_of
from admin_api.console.tasks import held
from admin_api.console.tasks.access import may
from admin_api.console.tasks.confirm import Action, confirm, offered
from admin_api.console.tasks.numbers import families_in_force, told
from admin_api.console.tasks.user_actions import ACTIONS, held_tokens
from admin_api.operations import Role
from audit.selectors import find_events
from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.console_pages import console_page, shown
from broker.connections.selectors import connections_of
from broker.models import Connection
from oauth.consent.selectors import consents_of
from oauth.models import ConsentGrant, TokenFamily

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

NEEDS: Final = ("accounts.view_user",)
SHOWN: Final = 50
LATEST: Final = 10


@console_page("people/<uuid:key>/", name="person", title="User", needs=NEEDS)
def page(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The user."""
    person, now = _person(key), clock.now()
    families = families_in_force(now).filter(user=key).select_related("client")
    consents, connections = consents_of(person), connections_of(key)
    context: dict[str, Any] = {
        "title": str(person), "person": person, "now": now, "shown": SHOWN,
        "staff": role_of(person), "actions": offered(request, ACTIONS, person),
        "can_revoke": may(request, Role.OPERATOR),
        "consents": list(consents[:SHOWN]), "consent_count": told(consents, "consent"),
        "families": list(families.order_by("-pk")[:SHOWN]),
        "family_count": told(families, "sign-in"),
        "connections": [
            {"row": row, "name": held.name_of(row), "reaches": held.reached_by(row)}
            for row in connections[:SHOWN]
        ],
        "connection_count": told(connections, "connected account"),
        "tokens": told(held_tokens(person), "access token"),
        "events": list(find_events(actor_id=str(key))[:LATEST]),
    }  # fmt: skip
    return shown(request, "console/tasks/person.html", context)


@console_page("people/<uuid:key>/<slug:action>/", name="person-do", title="User", needs=NEEDS)
def do(request: HttpRequest, key: uuid.UUID, action: str) -> HttpResponse:
    """What the action ends, then the action."""
    person = _person(key)
    answer = confirm(
        request, actions=ACTIONS, name=action, thing=person, subject=str(person),
        back=reverse("admin:person", args=[key]),
    )  # fmt: skip
    if action == "delete" and isinstance(answer, HttpResponseRedirect):
        return HttpResponseRedirect(reverse("admin:index"))
    return answer


@console_page("consents/<uuid:key>/revoke/", name="consent-revoke", title="Consent", needs=NEEDS)
def revoke_consent(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What the consent holds up, then its end."""
    rows = ConsentGrant.objects.select_related("user", "client", "resource")
    return _one(request, rows, key, held.CONSENT, lambda row: row.client)


@console_page("families/<uuid:key>/end/", name="family-end", title="Sign-in", needs=NEEDS)
def end_family(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What the authorization holds up, then its end."""
    rows = TokenFamily.objects.select_related("user", "client")
    return _one(request, rows, key, held.FAMILY, lambda row: row.client)


@console_page("connections/<uuid:key>/end/", name="connection-end", title="Connection", needs=NEEDS)
def end_connection(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What lives on the account, then its end."""
    rows = Connection.objects.select_related("user", "provider", "server")
    return _one(request, rows, key, held.CONNECTION, held.name_of)


def _one(
    request: HttpRequest, rows: QuerySet[Any], key: uuid.UUID, action: Action[Any], subject: Any
) -> HttpResponse:
    row = rows.filter(pk=key).first()
    if row is None:
        raise Http404
    return confirm(
        request, actions={action.name: action}, name=action.name, thing=row,
        subject=str(subject(row)), back=reverse("admin:person", args=[row.user_id]),
    )  # fmt: skip


def _person(key: uuid.UUID) -> User:
    """Raises: Http404."""
    person = User.objects.filter(pk=key).first()
    if person is None:
        raise Http404
    return person
