"""/mcp-servers: a person's servers, how to add, connect, disconnect and remove one."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.crypto import CryptoError
from authplane.core.error_pages import page_for_status
from authplane.core.metrics import counter
from authplane.core.pages import page_view, render_page
from authplane.core.uris import origin
from broker.connect.marks import keep_mark, mark_for
from broker.connect.return_urls import base_url
from broker.models import UpstreamServer
from broker.remote import connecting
from broker.remote.errors import MEANINGS, NO_AUTH_REQUIRED, DiscoveryFailed
from broker.servers import limits, notices, services
from broker.servers.errors import (
    BadServer,
    ForeignServer,
    NoSuchServer,
    ServerBusy,
    ServerConflict,
    TooManyServers,
)
from broker.servers.selectors import owned_server, servers_of
from broker.servers.view import CONNECTED, OPEN, connection_of, status_of
from oauth.authorize.responses import see_other
from oauth.sessions import csrf
from oauth.sessions.form import Form, read_page_form
from oauth.sessions.services import signed_in
from oauth.sessions.views import stale_form

LIST: Final = "mcp-servers"
NOT_NOW: Final = "Not connected"

log = logging.getLogger(__name__)

Step = Callable[[HttpRequest, UpstreamServer, User], HttpResponse]


@page_view("GET", "HEAD", "POST")
def servers(request: HttpRequest) -> HttpResponse:
    """The list, with what the latest step came to; a post adds a server."""
    session = signed_in(request)
    if session is None:
        return _sign_in(request)
    if request.method != "POST":
        return _list(request, user=session.user)
    form = read_page_form(request) or Form({})
    if not csrf.is_session_post_genuine(request, presented=form.one("csrf_token")):
        return stale_form()
    url, name = form.one("url").strip(), form.one("name").strip()
    wrong = _add(session.user, url=url, name=name)
    if wrong:
        return _list(request, user=session.user, wrong=wrong, typed=(url, name), status=422)
    return _done("added")


def _add(user: User, *, url: str, name: str) -> dict[str, str]:
    """What is wrong, by field; nothing when the server was added."""
    try:
        services.add_server(user, {"url": url, "name": name})
    except BadServer as bad:
        return {problem.field: f"It {problem.text}." for problem in bad.problems}
    except ServerConflict:
        return {"url": "You have added this server already."}
    except TooManyServers:
        return {"url": f"You have {services.MAX_SERVERS} servers already; remove one first."}
    return {}


def _connect(request: HttpRequest, row: UpstreamServer, user: User) -> HttpResponse:
    """A page with the link to go on by: it says where the link leads."""
    verdict = limits.take(request, limits.INITIATE)
    if not verdict.allowed:
        return page_for_status(request, status=429, headers=verdict.headers())
    mark = mark_for(request)
    try:
        started = connecting.start(
            row,
            user=user,
            return_url=f"{base_url()}{reverse(LIST)}",
            browser_mark=mark,
            now=clock.now(),
        )
    except DiscoveryFailed as failed:
        if failed.code == NO_AUTH_REQUIRED:
            return see_other(reverse(LIST))
        log.warning("server cannot be connected", extra={"why": str(failed)})
        text = f"{row}: {MEANINGS[failed.code]}."
        return _list(request, user=user, failed=(NOT_NOW, text), status=502)
    except CryptoError:
        return _list(
            request, user=user, failed=notices.failure("client_not_configured"), status=503
        )
    there = started.authorization_url
    context = {
        "name": str(row),
        "mcp_host": urlsplit(row.url).hostname,
        "asks": urlsplit(there).hostname,
        "signed_in_as": str(user),
        "link": there if origin(there) else "",
    }
    response = render_page("broker/mcp_server_continue.html", context)
    response["Referrer-Policy"] = "no-referrer"
    keep_mark(response, mark)
    return response


def _disconnect(request: HttpRequest, row: UpstreamServer, user: User) -> HttpResponse:  # noqa: ARG001 - as its neighbours
    if not services.disconnect_server(row):
        return see_other(reverse(LIST))
    counter("authserver_connection_disconnect_total").labels("server").inc()
    return _done("disconnected")


def _remove(request: HttpRequest, row: UpstreamServer, user: User) -> HttpResponse:
    try:
        services.remove_server(row)
    except ServerBusy:
        return _list(request, user=user, failed=notices.UNKNOWN, status=409)
    return _done("removed")


def _confirm(request: HttpRequest, row: UpstreamServer, user: User) -> HttpResponse:  # noqa: ARG001 - as its neighbours
    context = {
        "csrf_token": csrf.session_token(request),
        "id": str(row.pk),
        "name": str(row),
        "url": row.url,
        "connected": connection_of(row) is not None,
    }
    return render_page("broker/mcp_server_remove.html", context)


@csrf_exempt
def connect(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """POST: off to the server's authorization server, by way of a page that names it."""
    return _step(request, key, post=_connect)


@csrf_exempt
def disconnect(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """POST: what is connected there is ended."""
    return _step(request, key, post=_disconnect)


@csrf_exempt
def remove(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """GET asks whether it is meant; POST removes the server."""
    return _step(request, key, post=_remove, get=_confirm)


def _step(
    request: HttpRequest, key: uuid.UUID, *, post: Step, get: Step | None = None
) -> HttpResponse:
    """One step with one server of the person who is signed in."""

    def answer(asked: HttpRequest) -> HttpResponse:
        session = signed_in(asked)
        if session is None:
            return _sign_in(asked)
        if asked.method == "POST":
            form = read_page_form(asked) or Form({})
            if not csrf.is_session_post_genuine(asked, presented=form.one("csrf_token")):
                return stale_form()
        try:
            row = owned_server(key, user=session.user)
        except (NoSuchServer, ForeignServer):
            # People see no difference; the record does.
            return page_for_status(asked, status=404)
        step = get if get and asked.method in {"GET", "HEAD"} else post
        return step(asked, row, session.user)

    methods = ("GET", "HEAD", "POST") if get else ("POST",)
    return page_view(*methods)(answer)(request)


def _list(
    request: HttpRequest,
    *,
    user: User,
    wrong: dict[str, str] | None = None,
    typed: tuple[str, str] = ("", ""),
    failed: tuple[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    rows = [_shown(row) for row in servers_of(user)]
    if failed is None and request.method != "POST" and "oauth_error" in request.GET:
        failed = notices.failure(request.GET["oauth_error"])
    which = request.GET.get("server_uuid", "")
    context = {
        "csrf_token": csrf.session_token(request),
        "signed_in_as": str(user),
        "servers": rows,
        "failed": failed,
        "about": next((one["name"] for one in rows if one["id"] == which), ""),
        "connected": "oauth_success" in request.GET,
        "done": notices.DONE.get(request.GET.get("done", ""), ""),
        "wrong": wrong or {},
        "typed_url": typed[0],
        "typed_name": typed[1],
    }
    response = render_page("broker/mcp_servers.html", context, status=status)
    response["Vary"] = "Cookie"
    return response


def _shown(row: UpstreamServer) -> dict[str, Any]:
    found = connection_of(row)
    return {
        "id": str(row.pk),
        "name": str(row),
        "url": row.url,
        "status": status_of(row),
        "is_connected": status_of(row) == CONNECTED,
        "is_open": status_of(row) == OPEN,
        "scopes": [] if found is None else found.scopes_granted,
        "since": None if found is None else found.connected_at,
        "expires_at": None if found is None else found.access_expires_at,
        "is_renewed": found is not None and found.credential_sealed is not None,
    }


def _done(what: str) -> HttpResponse:
    return see_other(f"{reverse(LIST)}?done={what}")


def _sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page, which leads back here and keeps what the page was to tell."""
    told = {
        name: request.GET[name]
        for name in ("oauth_error", "oauth_success", "server_uuid")
        if name in request.GET
    }
    here = reverse(LIST) + (f"?{urlencode(told)}" if told else "")
    return see_other(f"{reverse('login')}?{urlencode({'redirect': here})}")
