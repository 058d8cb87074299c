"""/api/oauth/initiate and /api/oauth/callback: a user connects the account at a server."""

from __future__ import annotations

import logging
from typing import Final

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.crypto import CryptoError
from authplane.core.hashing import constant_time_equals, sha256_hex
from authplane.core.http import JSON, error_media_type, json_response
from authplane.core.pages import page_view
from authplane.core.uris import add_query
from authplane.core.windows import over_limit
from broker.connect import state
from broker.connect.marks import keep_mark, mark_for, mark_of
from broker.connect.return_urls import base_url
from broker.models import ConnectState
from broker.remote import connecting
from broker.remote.errors import MEANINGS, NO_AUTH_REQUIRED, DiscoveryFailed
from broker.servers import limits
from broker.servers.errors import ForeignServer, NoSuchServer
from broker.servers.selectors import owned_server
from broker.servers.wire import (
    Refused,
    body_of,
    json_route,
    known_members,
    read_id,
    refused_server,
    require_own_site,
    user_of,
)
from oauth.authorize.responses import see_other
from oauth.sessions.form import Form, read_query
from oauth.sessions.services import signed_in

PAGE: Final = "/mcp-servers"
NO_KEY: Final = "client_not_configured"
NOT_SIGNED_IN: Final = "not_authenticated"
RATE_LIMITED: Final = "rate_limit_exceeded"
ANSWERS: Final = {
    connecting.ACCESS_DENIED: "access_denied",
    connecting.WRONG_ISSUER: state.VIOLATION,
    connecting.UPSTREAM_ERROR: "code_exchange_failed",
    connecting.MISSING_CODE: "missing_code",
    connecting.CHANGED: "config_not_found",
    connecting.NOT_EXCHANGED: "code_exchange_failed",
    connecting.NO_KEY: NO_KEY,
}
"""What the browser's address says about each way in which a hop comes to nothing."""

log = logging.getLogger(__name__)


def _initiate(request: HttpRequest) -> HttpResponse:
    require_own_site(request)
    if refused := limits.refuse_beyond(request, limits.INITIATE):
        return refused
    user = user_of(request)
    body = body_of(request)
    known_members(body, "serverUuid", "redirectUri")
    key = read_id(body.get("serverUuid"), name="serverUuid")
    if body.get("redirectUri") not in {None, connecting.CALLBACK, connecting.callback_url()}:
        raise Refused(400, "invalid_request", "redirectUri must be this server's own callback")
    mark = mark_for(request)
    try:
        started = connecting.start(
            owned_server(key, user=user),
            user=user,
            return_url=f"{base_url()}{PAGE}",
            browser_mark=mark,
            now=clock.now(),
        )
    except (NoSuchServer, ForeignServer) as refused_one:
        raise refused_server(refused_one, is_told=False) from None
    except DiscoveryFailed as failed:
        # Nothing is wrong with a server that is open to everybody; there is just no account.
        status = 404 if failed.code == NO_AUTH_REQUIRED else 500
        log.warning("server cannot be connected", extra={"why": str(failed)})
        raise Refused(status, failed.code, MEANINGS[failed.code], serverUuid=str(key)) from None
    except CryptoError:
        raise Refused(500, NO_KEY, "this server has no key to keep credentials under") from None
    response = json_response(
        {
            "authorizationUrl": started.authorization_url,
            "state": started.state,
            "expiresAt": clock.as_text(started.expires_at),
        }
    )
    keep_mark(response, mark)
    return response


initiate = json_route(POST=_initiate)


@csrf_exempt
def callback(request: HttpRequest) -> HttpResponse:
    """The user is back on the page of servers, which says whether it worked."""
    return page_view("GET")(_callback)(request)


def _callback(request: HttpRequest) -> HttpResponse:
    verdict = limits.take(request, limits.CALLBACK)
    if not verdict.allowed:
        if _wants_json(request):
            return over_limit(request, verdict)
        return _back(RATE_LIMITED)
    session = signed_in(request)
    if session is None:
        return _back(NOT_SIGNED_IN)
    answer = read_query(request)
    presented = answer.one("state")
    try:
        claimed = state.claim(
            presented,
            kinds=(ConnectState.Kind.SERVER,),
            user=session.user,
            browser_mark=mark_of(request),
            now=clock.now(),
        )
    except state.StateError as refused:
        return _back(refused.code, server=_server_of(presented, user=session.user))
    return _finish(claimed, answer=answer)


def _finish(claimed: state.Claimed, *, answer: Form) -> HttpResponse:
    """What a hop that belongs to this caller comes to; nobody else can come here with it."""
    server = str(claimed.row.server_id)
    if not constant_time_equals(claimed.row.redirect_uri, connecting.callback_url()):
        state.conclude(claimed.row, outcome=state.VIOLATION)
        return _back(state.VIOLATION, server=server)
    try:
        finished = connecting.finish(
            claimed,
            now=clock.now(),
            code=answer.one("code"),
            unverified_issuer=answer.one("iss"),
            # An error that is named twice, or not at all, is one nevertheless.
            error=answer.one("error") or ("invalid" if "error" in answer.fields else ""),
        )
    except IntegrityError:
        # The server was removed while its answer was on the way.
        return _back("config_not_found")
    if finished.outcome == connecting.CONNECTED:
        return _back("", server=server)
    return _back(ANSWERS[finished.outcome], server=server)


def _back(error: str, *, server: str = "") -> HttpResponse:
    """To our own page, wherever the request says that it came to."""
    told = [("oauth_error", error)] if error else [("oauth_success", "true")]
    if server:
        told.append(("server_uuid", server))
    response = see_other(add_query(f"{base_url()}{PAGE}", told))
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _server_of(presented: str, *, user: User) -> str:
    """The server that the state was made for, where it was made for this very user."""
    found = ConnectState.objects.filter(
        state_hash=sha256_hex(presented), user=user, kind=ConnectState.Kind.SERVER
    ).values_list("server_id", flat=True)
    return str(found.first() or "")


def _wants_json(request: HttpRequest) -> bool:
    return error_media_type(request.headers.get("Accept", "")) == JSON
