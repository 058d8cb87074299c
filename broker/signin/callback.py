"""GET /oidc/callback: somebody is back from the identity provider."""

from __future__ import annotations

import logging
import time
from typing import Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from audit import record
from audit.events import UserOidcLogin, UserOidcLoginFailed
from authplane.core import clock, windows
from authplane.core.config import config
from authplane.core.metrics import counter, histogram
from authplane.core.pages import page_view
from broker.connect import state
from broker.connect.exchange import MAX_CODE
from broker.connect.marks import mark_of
from broker.connect.refusals import Refusal
from broker.connect.senders import is_from
from broker.errors import SecretUnavailable
from broker.models import ConnectState
from broker.signin import refusals
from broker.signin.accounts import user_of
from broker.signin.errors import ProviderDown, SignInRefused
from broker.signin.exchange import person_behind
from broker.signin.profile import Profile
from broker.signin.providers import SignInProvider, provider_by_id
from broker.signin.refusals import down_page, limited_page, refusal_page
from broker.signin.secrets import CONFIGURED
from broker.signin.start import PER_MINUTE
from oauth.sessions.arrival import lead_on
from oauth.sessions.form import Form, read_query
from oauth.sessions.return_to import local_path
from oauth.sessions.services import begin_session

ROUTE: Final = "oidc_callback"
SIGNED_IN: Final = "signed_in"
WRONG_PROVIDER: Final = "wrong_provider"
WRONG_ISSUER: Final = "wrong_issuer"
UPSTREAM_ERROR: Final = "upstream_error"
NO_CODE: Final = "no_code"
PROVIDER_DOWN: Final = "provider_down"
_ATTEMPTS: Final = "authserver_login_attempts_total"

log = logging.getLogger(__name__)


@csrf_exempt
def callback(request: HttpRequest, provider: str = CONFIGURED) -> HttpResponse:
    """The person is signed in and on the way to where they were going, or sees why not."""
    return page_view("GET")(lambda asked: _callback(asked, slug=provider))(request)


def _callback(request: HttpRequest, *, slug: str) -> HttpResponse:
    verdict = windows.take_of_address(request, ROUTE, limit=PER_MINUTE)
    if not verdict.allowed:
        return limited_page(verdict)
    answer = read_query(request)
    if not answer.one("state"):
        return refusal_page(refusals.MALFORMED)
    try:
        claimed = state.claim(
            answer.one("state"),
            kinds=(ConnectState.Kind.LOGIN,),
            user=None,
            browser_mark=mark_of(request),
            now=clock.now(),
        )
    except state.StateError as refused:
        return refusal_page(refusals.STATE[refused.code])
    return _finish(request, claimed, slug=slug, answer=answer)


def _finish(
    request: HttpRequest, claimed: state.Claimed, *, slug: str, answer: Form
) -> HttpResponse:
    """What a hop that belongs to this browser comes to; nobody else can come here with it."""
    row = claimed.row
    provider = provider_by_id(row.identity_provider_id)
    if provider is None:
        return _refused(row, slug, WRONG_PROVIDER, refusals.NO_PROVIDER)
    if (
        provider.slug != slug
        or provider.issuer != row.issuer
        or provider.client_id != row.client_id
        or not is_from(row, unverified_issuer=answer.one("iss"))
    ):
        # Mixed up: an answer of one provider at the callback of another (RFC 9700 section 4.4).
        return _refused(row, provider.slug, WRONG_ISSUER, refusals.WRONG_ISSUER)
    if "error" in answer.fields:
        return _refused(row, provider.slug, UPSTREAM_ERROR, refusals.UPSTREAM_ERROR)
    code = answer.one("code")
    if not code or len(code) > MAX_CODE:
        return _refused(row, provider.slug, NO_CODE, refusals.MALFORMED)
    return _sign_in(request, claimed, provider=provider, code=code)


def _sign_in(
    request: HttpRequest, claimed: state.Claimed, *, provider: SignInProvider, code: str
) -> HttpResponse:
    row, began = claimed.row, time.perf_counter()
    profile: Profile | None = None
    try:
        profile = person_behind(code, claimed=claimed, provider=provider, now=clock.now())
        _observe("success", since=began)
        _admit(request, row, provider=provider, profile=profile)
    except SignInRefused as refused:
        if profile is None:
            _observe("refused", since=began)
        page = refusals.REASONS.get(refused.reason, refusals.NOT_BELIEVED)
        return _refused(row, provider.slug, refused.reason, page, actor=refused.actor)
    except (ProviderDown, SecretUnavailable) as failed:
        _observe("unavailable", since=began)
        log.warning(
            "identity provider cannot be used",
            extra={"provider": provider.slug, "why": f"{type(failed).__name__}: {failed}"},
        )
        return _refused(row, provider.slug, PROVIDER_DOWN, refusals.DOWN)
    state.conclude(row, outcome=SIGNED_IN, succeeded=True)
    counter(_ATTEMPTS).labels(outcome="success").inc()
    return lead_on(local_path(row.return_url))


def _admit(
    request: HttpRequest, row: ConnectState, *, provider: SignInProvider, profile: Profile
) -> None:
    """The person has a session of their own here. Raises: SignInRefused."""
    known = user_of(profile, provider=provider)
    with transaction.atomic():
        begin_session(
            request,
            user=known.user,
            methods=profile.methods,
            auth_time=_auth_time(profile.auth_time, row),
            level=profile.level,
            provider=provider.slug,
        )
        record.record(
            UserOidcLogin(actor_id=str(known.user.pk), provider=provider.slug, is_new=known.is_new)
        )


def _auth_time(said: int | None, row: ConnectState) -> int:
    """When the person proved who they are, in seconds since 1970, by our clock.

    A proof made while the browser was away counts from when it left at the earliest: clocks differ,
    and the request that waits must see that it was made for it. Without a word of the provider the
    only thing known is that it vouches for the person now.
    """
    now = clock.epoch()
    left = int(row.created_at.timestamp())
    if said is None:
        return now
    return min(now, max(said, left) if said >= left - config().tokens.clock_skew else said)


def _observe(outcome: str, *, since: float) -> None:
    metric = histogram("authserver_oidc_exchange_duration_seconds").labels(outcome=outcome)
    metric.observe(time.perf_counter() - since)


def _refused(
    row: ConnectState, slug: str, reason: str, refusal: Refusal, *, actor: str = ""
) -> HttpResponse:
    state.conclude(row, outcome=reason)
    record.record_refusal(UserOidcLoginFailed(actor_id=actor, provider=slug, reason=reason))
    counter(_ATTEMPTS).labels(outcome="failure").inc()
    return down_page() if refusal is refusals.DOWN else refusal_page(refusal)
