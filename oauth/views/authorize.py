"""GET /oauth/authorize: from an untrusted query to a page, a question or an answer."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from authplane.core import clock
from authplane.core.metrics import counter
from authplane.core.pages import error_page, page_view
from oauth.authorize import pending
from oauth.authorize.access import Access
from oauth.authorize.decision import Step, next_step
from oauth.authorize.incoming import (
    Incoming,
    read_incoming,
    read_request,
    require_pushed,
    require_signed,
)
from oauth.authorize.parameters import Parameters, UnreadableQuery, read_parameters
from oauth.authorize.protocol import Wish
from oauth.authorize.pushed import is_reference, spend
from oauth.authorize.responses import code_redirect, error_redirect, observe_flow, see_other
from oauth.authorize.trust import (
    LAPSED_REFERENCE,
    UNREADABLE,
    Asker,
    UntrustedRequest,
    refusal_page,
    trusted_asker,
)
from oauth.clients.lookup import find_client
from oauth.consent.selectors import covers, standing_consent
from oauth.errors import OAuthError
from oauth.models import AuthorizationRequest
from oauth.projects import is_settled, remembered
from oauth.sessions import csrf, return_to
from oauth.sessions.context import reached_level
from oauth.sessions.demands import demands_sign_in, to_sign_in
from oauth.sessions.services import SignedIn, signed_in
from oauth.tokens.codes import issue_code

log = logging.getLogger(__name__)

# What a browser leaves as it is in a query. Everything else is escaped before the target is
# signed, so that the browser brings back exactly the text that was signed.
_KEPT_IN_QUERY: Final = "/?%[]=:;$&()+,!*@~"


@page_view("GET")
def authorize(request: HttpRequest) -> HttpResponse:
    """The next step of the authorization code flow.

    Every refusal before client and redirect URI are known is a page; every one after them goes
    back to the client. HEAD is not answered: issuing codes is nothing for link checkers.

    Spec: RFC 6749 section 4.1.1; RFC 9700 section 4.11 (no open redirector).
    """
    arrived = clock.now()
    try:
        query = read_parameters(request.META.get("QUERY_STRING", ""))
        nonce = csrf.login_nonce(request)
        answer = _answer(request, query=query, browser=nonce, arrived=arrived)
    except UnreadableQuery:
        return refusal_page(UNREADABLE)
    except UntrustedRequest as untrusted:
        return refusal_page(untrusted.refusal)
    if is_reference(query.get("request_uri")):
        # The browser that claimed the request shows by this cookie that it is the same one.
        csrf.keep_nonce(answer, nonce=nonce)
    return answer


def _answer(
    request: HttpRequest, *, query: Parameters, browser: str, arrived: datetime
) -> HttpResponse:
    """The next step, or a refusal that goes back to the client.

    Raises: UntrustedRequest for a refusal that must not.
    """
    target = own_target(request)
    ticket = return_to.ticket_of(target)
    incoming = read_incoming(
        query,
        find_client=find_client,
        browser=browser,
        now=arrived,
        # An object that was good before sign-in is good after it.
        signed_at=ticket.issued_at if ticket else clock.epoch(),
    )
    asker = trusted_asker(incoming.parameters, client=incoming.client)
    try:
        if ticket is None:
            # With our ticket it met these demands before, and nobody has changed it since.
            require_pushed(incoming)
            require_signed(incoming)
        wish, access = read_request(incoming)
        if ticket is not None and ticket.is_expired(now=clock.epoch()):
            return _took_too_long()
        started = datetime.fromtimestamp(ticket.issued_at, tz=UTC) if ticket else arrived
        return _proceed(
            request, Asked(incoming, asker, wish, access), target=target, started=started
        )
    except OAuthError as refusal:
        if incoming.pushed is not None and not spend(incoming.pushed.row.id, now=arrived):
            raise UntrustedRequest(LAPSED_REFERENCE) from None
        counter("authserver_auth_denied_total").labels(reason=refusal.reason).inc()
        log.info("authorization refused", extra={"reason": refusal.reason})
        observe_flow(started=arrived)
        return error_redirect(asker.address, reason=refusal.reason)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is valid in itself: how it came, who asks, and for what."""

    incoming: Incoming
    asker: Asker
    wish: Wish
    access: Access


def _proceed(request: HttpRequest, asked: Asked, *, target: str, started: datetime) -> HttpResponse:
    """Sign-in page, consent page or code.

    Raises: OAuthError when the user would have to be asked and must not be.
    """
    asker, wish, access = asked.asker, asked.wish, asked.access
    ticket = return_to.ticket_of(target)
    session = signed_in(request)
    step = next_step(
        wish,
        must_sign_in=demands_sign_in(wish, session=session, ticket=ticket),
        is_consented=_is_consented(session, asker=asker, access=access),
        redirect_uri=asker.address.redirect_uri,
    )
    if step is Step.SIGN_IN or session is None:
        return to_sign_in(target)
    pushed = asked.incoming.pushed
    draft = AuthorizationRequest(
        client=asker.client,
        user=session.user,
        redirect_uri=asker.address.redirect_uri,
        scope=" ".join(access.scopes),
        resource=access.resource.uri,
        state=asker.address.state,
        code_challenge=wish.code_challenge,
        dpop_jkt=wish.dpop_jkt,
        auth_time=session.authenticated_at,
        acr=reached_level(session.methods, requested=wish.requested_levels, vouched=session.level),
        amr=list(session.methods),
        pushed=pushed.row.id if pushed else None,
    )
    if step is Step.CONSENT:
        # A pushed request does not wait for longer because its page is opened again.
        waiting = pending.begin(draft, started=pushed.claimed_at if pushed else started)
        return see_other(f"{reverse('consent')}?session_id={waiting.id}")
    with transaction.atomic():
        # Locked, so that a consent revoked at this moment is either seen here or finds the code.
        consent = standing_consent(
            user=session.user, client=asker.client, resource=access.resource, lock=True
        )
        projects = remembered(consent, resource=access.resource)
        if not covers(consent, scopes=access.scopes) or (
            access.resource.rules.asks_projects and not projects
        ):
            return see_other(target)
        if pushed and not spend(pushed.row.id, now=clock.now()):
            raise UntrustedRequest(LAPSED_REFERENCE)
        code = issue_code(draft, now=clock.now(), projects=projects)
    observe_flow(started=started)
    return code_redirect(asker.address, code=code)


def _is_consented(session: SignedIn | None, *, asker: Asker, access: Access) -> bool:
    if session is None:
        return False
    consent = standing_consent(user=session.user, client=asker.client, resource=access.resource)
    return covers(consent, scopes=access.scopes) and is_settled(consent, resource=access.resource)


def own_target(request: HttpRequest) -> str:
    """Path and query of this request, in the one spelling that survives the way through a browser.

    Clients may leave `://` unescaped inside the query; a local path must not hold it.
    """
    raw = request.META.get("QUERY_STRING", "").encode("latin-1")
    query = quote(raw, safe=_KEPT_IN_QUERY).replace("://", "%3A%2F%2F")
    return f"{request.path}?{query}"


def _took_too_long() -> HttpResponse:
    return error_page(
        status=400,
        title="Signing in took too long",
        message="You are signed in, but the application's request has lapsed in the meantime.",
        steps=("Go back to the application and start again; you will not have to sign in twice.",),
        back=(reverse("account"), "Your account"),
    )
