"""GET /api/v1/oauth/callback: the one address that services of all proxies send people back to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.pages import page_view
from broker.connect import refusals, state
from broker.connect.callback import DENIED
from broker.connect.exchange import CHANGED, NotConnected, connect_with
from broker.connect.marks import mark_of
from broker.connect.refusals import refusal_page
from broker.connect.senders import is_from
from broker.models import ConnectState
from broker.providers.selectors import provider_by_id
from broker.proxies.authorize import not_continuable, refuse_beyond
from broker.proxies.hops import REQUEST, NotContinuable, finish, give_up
from broker.proxies.selectors import proxy_by_id
from oauth.authorize import pending
from oauth.errors import Reason
from oauth.models import AuthorizationRequest
from oauth.sessions.form import Form, read_query
from oauth.sessions.services import signed_in


@csrf_exempt
def callback(request: HttpRequest) -> HttpResponse:
    """The user is on the way to the client, with a code of ours or with a refusal."""
    return page_view("GET")(_callback)(request)


def _callback(request: HttpRequest) -> HttpResponse:
    if limited := refuse_beyond(request, "proxy-callback"):
        return limited
    session = signed_in(request)
    if session is None:
        return refusal_page(refusals.SIGNED_OUT)
    answer = read_query(request)
    if not answer.one("state"):
        return refusal_page(refusals.MALFORMED)
    try:
        claimed = state.claim(
            answer.one("state"),
            kinds=(ConnectState.Kind.PROXY,),
            user=session.user,
            browser_mark=mark_of(request),
            now=clock.now(),
        )
    except state.StateError as refused:
        return refusal_page(refusals.STATE[refused.code])
    try:
        return _finish(claimed, answer=answer, user=session.user)
    except NotContinuable:
        state.conclude(claimed.row, outcome="not_continuable")
        return not_continuable()


def _finish(claimed: state.Claimed, *, answer: Form, user: User) -> HttpResponse:
    """What a hop that belongs to this caller comes to; nobody else can come here with it.

    Raises: NotContinuable.
    """
    row = claimed.row
    proxy = proxy_by_id(row.proxy_id) if row.proxy_id else None
    waiting = (
        pending.find_owned(
            str(row.context.get(REQUEST, "")), user=user, now=clock.now(), issuer=proxy.key
        )
        if proxy
        else None
    )
    if proxy is None or waiting is None:
        raise NotContinuable
    if not is_from(row, unverified_issuer=answer.one("iss")):
        state.conclude(row, outcome="wrong_issuer")
        return refusal_page(refusals.WRONG_ISSUER)
    if "error" in answer.fields:
        return _refused(row, waiting, denied=answer.one("error") == DENIED)
    provider = provider_by_id(row.provider_id)
    if provider is None or not provider.enabled or provider.id != proxy.provider_id:
        return _nothing(row, waiting, outcome=CHANGED)
    try:
        connection = connect_with(answer.one("code"), claimed=claimed, provider=provider)
    except NotConnected as nothing:
        return _nothing(row, waiting, outcome=nothing.outcome)
    response = finish(proxy, waiting, connection=connection)
    state.conclude(row, outcome="connected", succeeded=True)
    return response


def _refused(row: ConnectState, waiting: AuthorizationRequest, *, denied: bool) -> HttpResponse:
    """The client hears of a refusal as of one on our own page, and nothing of the service's words.

    Spec: RFC 6749 section 4.1.2.1.
    """
    state.conclude(row, outcome=DENIED if denied else "upstream_error")
    return give_up(waiting, reason=Reason.ACCESS_DENIED if denied else Reason.SERVER_ERROR)


def _nothing(row: ConnectState, waiting: AuthorizationRequest, *, outcome: str) -> HttpResponse:
    state.conclude(row, outcome=outcome)
    return give_up(waiting, reason=Reason.TEMPORARILY_UNAVAILABLE)
