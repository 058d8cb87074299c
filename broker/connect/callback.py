"""GET /connect/{provider}/callback: the user is back, with a code or with a refusal."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authplane.core import clock
from authplane.core.pages import page_view
from authplane.core.uris import add_query
from broker.connect import exchange, limits, refusals, state
from broker.connect.exchange import NotConnected, connect_with
from broker.connect.marks import mark_of
from broker.connect.refusals import refusal_page
from broker.connect.senders import is_from
from broker.models import ConnectState
from broker.providers.selectors import provider_by_id
from oauth.authorize.responses import see_other
from oauth.sessions.form import Form, read_query
from oauth.sessions.services import signed_in

DENIED: Final = "access_denied"
REFUSALS: Final = {
    exchange.NO_CODE: refusals.MALFORMED,
    exchange.CHANGED: refusals.BROKEN,
    exchange.NOT_EXCHANGED: refusals.NOT_EXCHANGED,
    exchange.NO_KEY: refusals.NO_KEY,
    exchange.BROKEN: refusals.BROKEN,
}


@csrf_exempt
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """The account is connected and the user back at the application, or sees why not."""
    return page_view("GET")(lambda asked: _callback(asked, slug=provider))(request)


def _callback(request: HttpRequest, *, slug: str) -> HttpResponse:
    session = signed_in(request)
    if session is None:
        return refusal_page(refusals.SIGNED_OUT)
    answer = read_query(request)
    if not answer.one("state"):
        return refusal_page(refusals.MALFORMED)
    if refused := limits.refuse_beyond(request, limits.FINISH, user=session.user):
        return refused
    try:
        claimed = state.claim(
            answer.one("state"),
            kinds=(ConnectState.Kind.CONNECT,),
            user=session.user,
            browser_mark=mark_of(request),
            now=clock.now(),
        )
    except state.StateError as error:
        return refusal_page(refusals.STATE[error.code])
    return _finish(claimed, slug=slug, answer=answer)


def _finish(claimed: state.Claimed, *, slug: str, answer: Form) -> HttpResponse:
    """What a hop that belongs to this caller comes to; nobody else can come here with it."""
    row = claimed.row
    provider = provider_by_id(row.provider_id)
    if provider is None or not provider.enabled or provider.slug != slug:
        # Mixed up: an answer of one service at the callback of another.
        return _ended(row, "wrong_provider", refusals.WRONG_ISSUER)
    if not is_from(row, unverified_issuer=answer.one("iss")):
        return _ended(row, "wrong_issuer", refusals.WRONG_ISSUER)
    if answer.one("error") == DENIED:
        state.conclude(row, outcome=DENIED)
        return see_other(add_query(row.return_url, [("error", DENIED)]))
    if "error" in answer.fields:
        return _ended(row, "upstream_error", refusals.UPSTREAM_ERROR)
    try:
        connect_with(answer.one("code"), claimed=claimed, provider=provider)
    except NotConnected as nothing:
        return _ended(row, nothing.outcome, REFUSALS[nothing.outcome])
    state.conclude(row, outcome="connected", succeeded=True)
    return see_other(row.return_url)


def _ended(row: ConnectState, outcome: str, refusal: refusals.Refusal) -> HttpResponse:
    state.conclude(row, outcome=outcome)
    return refusal_page(refusal)
