"""GET /connect/{provider}/callback: the user is back, with a code or with a refusal."""

from __future__ import annotations

import logging
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.crypto import CryptoError
from authplane.core.metrics import counter
from authplane.core.pages import page_view
from authplane.core.uris import add_query
from broker.connect import limits, refusals, state
from broker.connect.marks import mark_of
from broker.connect.refusals import refusal_page
from broker.connect.senders import is_from
from broker.connections.services import store_credential
from broker.errors import BadProvider, SecretUnavailable
from broker.models import ConnectState
from broker.providers.selectors import Provider, provider_by_id
from broker.upstream.base import UpstreamError
from broker.upstream.registry import OAuthAdapter, adapter_for
from oauth.authorize.responses import see_other
from oauth.sessions.form import Form
from oauth.sessions.services import signed_in

DENIED: Final = "access_denied"
MAX_CODE: Final = 4096

log = logging.getLogger(__name__)


@csrf_exempt
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """The account is connected and the user back at the application, or sees why not."""
    return page_view("GET")(lambda asked: _callback(asked, slug=provider))(request)


def _callback(request: HttpRequest, *, slug: str) -> HttpResponse:
    session = signed_in(request)
    if session is None:
        return refusal_page(refusals.SIGNED_OUT)
    answer = Form({name: tuple(values) for name, values in request.GET.lists()})
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
    return _finish(claimed, slug=slug, answer=answer, user=session.user)


def _finish(claimed: state.Claimed, *, slug: str, answer: Form, user: User) -> HttpResponse:
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
    code = answer.one("code")
    if not code or len(code) > MAX_CODE:
        return _ended(row, "no_code", refusals.MALFORMED)
    return _exchange(claimed, provider=provider, code=code, user=user)


def _exchange(claimed: state.Claimed, *, provider: Provider, code: str, user: User) -> HttpResponse:
    row = claimed.row
    try:
        adapter = adapter_for(provider)
        if not isinstance(adapter, OAuthAdapter) or not _is_as_begun(adapter, row):
            return _ended(row, "changed_provider", refusals.BROKEN)
        asked_at = clock.now()
        tokens = adapter.exchange_code(
            code, verifier=claimed.verifier, redirect_uri=row.redirect_uri
        )
        store_credential(
            user_id=user.pk,
            provider_id=provider.id,
            answer=tokens,
            requested=row.scopes,
            now=asked_at,
        )
    except UpstreamError as failed:
        log.warning(
            "code was not exchanged",
            extra={"provider": provider.slug, "why": f"{type(failed).__name__}: {failed}"},
        )
        return _ended(row, "code_exchange_failed", refusals.NOT_EXCHANGED)
    except CryptoError:
        return _ended(row, "no_data_key", refusals.NO_KEY)
    except (BadProvider, SecretUnavailable) as broken:
        log.error(  # noqa: TRY400 - the cause is known and its text says it all
            "account cannot be connected",
            extra={"provider": provider.slug, "why": f"{type(broken).__name__}: {broken}"},
        )
        return _ended(row, "broken_provider", refusals.BROKEN)
    state.conclude(row, outcome="connected", succeeded=True)
    counter("authserver_connection_connect_total").labels(provider.slug).inc()
    return see_other(row.return_url)


def _is_as_begun(adapter: OAuthAdapter, row: ConnectState) -> bool:
    """The code is for the client, and of the issuer, that the browser was sent off with."""
    now = adapter.settings
    return now.client_id == row.client_id and now.issuer == row.issuer


def _ended(row: ConnectState, outcome: str, refusal: refusals.Refusal) -> HttpResponse:
    state.conclude(row, outcome=outcome)
    return refusal_page(refusal)
