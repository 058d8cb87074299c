"""/connections: what a user has connected, and how to end it. JSON, and a page for browsers."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.http import JSON, error_response, json_response, prefers_html
from authplane.core.metrics import counter
from authplane.core.pages import page_view, render_page
from broker.connections.selectors import connections_of
from broker.connections.services import revoke
from broker.models import Connection
from broker.proxies.consents import consents_of
from oauth.authorize.responses import see_other
from oauth.consent.display import shown_client
from oauth.models import Client
from oauth.sessions import csrf
from oauth.sessions.form import Form, read_page_form
from oauth.sessions.services import signed_in
from oauth.sessions.views import stale_form

BY_USER: Final = "user"


@page_view("GET", "HEAD")
def connections(request: HttpRequest) -> HttpResponse:
    """The page where a browser asks, a JSON array for everyone else."""
    session = signed_in(request)
    if prefers_html(request.headers.get("Accept", "")):
        if session is None:
            return see_other(f"{reverse('login')}?redirect={reverse('connections')}")
        response = _page(request, user=session.user)
    elif session is None:
        response = _unauthorized(request)
    else:
        response = json_response([_shown(row) for row in _to_providers(session.user)])
    response["Vary"] = "Accept, Cookie"
    return response


@csrf_exempt
def connection(request: HttpRequest, provider: str) -> HttpResponse:
    """DELETE ends the connection; 204. For programs of this site."""
    return page_view("DELETE")(lambda asked: _delete(asked, slug=provider))(request)


@csrf_exempt
def disconnect(request: HttpRequest, provider: str) -> HttpResponse:
    """POST of the page's button ends the connection; 303 back to the page."""
    return page_view("POST")(lambda asked: _disconnect(asked, slug=provider))(request)


def _delete(request: HttpRequest, *, slug: str) -> HttpResponse:
    session = signed_in(request)
    if session is None:
        return _unauthorized(request)
    if request.content_type != JSON or not is_same_origin(request):
        return error_response(
            request, error="access_denied", status=403,
            description="needs Content-Type application/json and a same-origin request",
        )  # fmt: skip
    if not _end(session.user, slug=slug):
        return error_response(
            request, error="not_found", description="no such connection", status=404
        )
    response = HttpResponse(status=204)
    response["Cache-Control"] = "no-store"
    return response


def _disconnect(request: HttpRequest, *, slug: str) -> HttpResponse:
    session = signed_in(request)
    if session is None:
        return see_other(f"{reverse('login')}?redirect={reverse('connections')}")
    form = read_page_form(request) or Form({})
    if not csrf.is_session_post_genuine(request, presented=form.one("csrf_token")):
        return stale_form()
    ended = _end(session.user, slug=slug)
    return see_other(f"{reverse('connections')}{'?disconnected=1' if ended else ''}")


def _end(user: User, *, slug: str) -> bool:
    """Whether a connection of this user ended by this call: here first, then at the service."""
    row = _to_providers(user).filter(provider__slug=slug).first()
    if row is None or not revoke(row.pk, reason=BY_USER, now=clock.now()):
        return False
    counter("authserver_connection_disconnect_total").labels(slug).inc()
    return True


def is_same_origin(request: HttpRequest) -> bool:
    """The browser says so; saying nothing is not enough where the cookie alone would decide."""
    said = "Sec-Fetch-Site" in request.headers or "Origin" in request.headers
    return said and csrf.is_from_this_site(request)


def _to_providers(user: User) -> Any:
    """Connections to remote MCP servers are not among them: those have no slug."""
    return connections_of(user.pk).filter(provider__isnull=False)


def _shown(row: Connection) -> dict[str, Any]:
    return {
        "provider": row.provider.slug if row.provider else "",
        "scopes_granted": row.scopes_granted,
        "status": row.status,
        "created_at": clock.as_text(row.created_at),
        "updated_at": clock.as_text(row.updated_at),
    }


def _unauthorized(request: HttpRequest) -> HttpResponse:
    return error_response(
        request, error="unauthorized", description="sign in first", status=401,
        headers={"WWW-Authenticate": "Bearer"},
    )  # fmt: skip


def _page(request: HttpRequest, *, user: User) -> HttpResponse:
    rows = list(_to_providers(user))
    agents = {row.last_used_by for row in rows if row.last_used_by}
    names = dict(Client.objects.filter(client_id__in=agents).values_list("client_id", "name"))
    context = {
        "csrf_token": csrf.session_token(request),
        "signed_in_as": str(user),
        "disconnected": "disconnected" in request.GET,
        "removed": "removed" in request.GET,
        "applications": [
            {
                "id": row.pk,
                "name": shown_client(row.client).name,
                "proxy": row.proxy.name,
                "scopes": row.scopes,
                "since": row.created_at,
            }
            for row in consents_of(user)
        ],
        "connections": [
            {
                "slug": row.provider.slug,
                "name": row.provider.display_name,
                "account": row.account,
                "needs_again": row.status == Connection.Status.REAUTH_REQUIRED,
                "scopes": row.scopes_granted,
                "since": row.connected_at,
                "used_at": row.last_used_at,
                "used_by": names.get(row.last_used_by) or row.last_used_by,
            }
            for row in rows
        ],
        "servers": [
            {
                "name": str(row.server),
                "needs_again": row.status == Connection.Status.REAUTH_REQUIRED,
                "scopes": row.scopes_granted,
                "since": row.connected_at,
            }
            for row in connections_of(user.pk).filter(server__isnull=False)
        ],
    }
    return render_page("broker/connections.html", context)
