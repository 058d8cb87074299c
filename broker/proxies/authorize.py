"""GET .../authorize of a proxy: client, redirect URI, PKCE, sign-in, consent, and only then away.

The checks are those of this server's own authorization endpoint; what the proxy adds is its list of
redirect URIs, its one resource, and the service behind it.

Spec: MCP security best practices (confused deputy: consent for each client before the hop).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from authplane.core import clock
from authplane.core.config import config
from authplane.core.error_pages import page_for_status
from authplane.core.metrics import counter
from authplane.core.pages import error_page, page_view
from authplane.core.uris import fold_resource
from authplane.core.windows import take_of_address
from broker.proxies.consents import covers, standing_consent
from broker.proxies.hops import NotContinuable, go_on, time_to_return
from broker.proxies.patterns import is_allowed
from broker.proxies.selectors import Proxy, proxy_by_id
from oauth.authorize import pending
from oauth.authorize.decision import Step, next_step
from oauth.authorize.parameters import Parameters, UnreadableQuery, read_parameters
from oauth.authorize.protocol import Wish, read_wish
from oauth.authorize.responses import error_redirect, see_other
from oauth.authorize.trust import (
    UNREADABLE,
    UNTRUSTED_REDIRECT,
    Asker,
    UntrustedRequest,
    refusal_page,
    trusted_asker,
    trusted_client,
)
from oauth.clients.lookup import find_client_of
from oauth.errors import OAuthError, Reason
from oauth.models import AuthorizationRequest
from oauth.resources.scopes import grantable
from oauth.sessions import return_to
from oauth.sessions.context import reached_level
from oauth.sessions.demands import demands_sign_in, to_sign_in
from oauth.sessions.services import SignedIn, signed_in
from oauth.views.authorize import own_target

PER_MINUTE: Final = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is valid in itself. `started` is when the user was first sent here."""

    proxy: Proxy
    asker: Asker
    wish: Wish
    scopes: tuple[str, ...]
    started: datetime


@csrf_exempt
def authorize(request: HttpRequest, proxy_id: int) -> HttpResponse:
    """The next step: sign-in page, consent page, the service, or the client."""
    return page_view("GET")(lambda asked: _authorize(asked, proxy_by_id(proxy_id)))(request)


def refuse_beyond(request: HttpRequest, route: str) -> HttpResponse | None:
    """None while the address is within its ten a minute, else a page that says so."""
    verdict = take_of_address(request, route, limit=PER_MINUTE)
    if verdict.allowed:
        return None
    return page_for_status(request, status=429, headers=verdict.headers())


def not_continuable() -> HttpResponse:
    """The page for an authorization that cannot be finished."""
    return error_page(
        status=400,
        title="This request cannot be continued",
        message="It has expired, was answered, belongs to another account, or is damaged.",
        steps=("Go back to the application and start again.",),
        back=(reverse("account"), "Your account"),
    )


def _authorize(request: HttpRequest, proxy: Proxy | None) -> HttpResponse:
    if proxy is None or not proxy.is_gateway:
        return _no_proxy()
    if limited := refuse_beyond(request, "proxy-authorize"):
        return limited
    try:
        query = read_parameters(request.META.get("QUERY_STRING", ""))
        return _answer(request, proxy, query)
    except UnreadableQuery:
        return refusal_page(UNREADABLE)
    except UntrustedRequest as untrusted:
        return refusal_page(untrusted.refusal)
    except NotContinuable:
        return not_continuable()


def _answer(request: HttpRequest, proxy: Proxy, query: Parameters) -> HttpResponse:
    """The next step, or a refusal that goes back to the client.

    Raises: UntrustedRequest for a refusal that must not.
    """
    target = own_target(request)
    ticket = return_to.ticket_of(target)
    asker = _trusted_asker(proxy, query)
    try:
        wish = _wish(query)
        scopes = _scopes(proxy, wish, asker=asker)
        if ticket is not None and ticket.is_expired(now=clock.epoch()):
            return not_continuable()
        started = datetime.fromtimestamp(ticket.issued_at, tz=UTC) if ticket else clock.now()
        return _proceed(request, Asked(proxy, asker, wish, scopes, started), target=target)
    except OAuthError as refusal:
        counter("authserver_auth_denied_total").labels(reason=refusal.reason).inc()
        log.info("authorization refused", extra={"reason": refusal.reason})
        return error_redirect(asker.address, reason=refusal.reason)


def _trusted_asker(proxy: Proxy, query: Parameters) -> Asker:
    """A client of this proxy, and a redirect URI of its own that the proxy still allows.

    Raises: UntrustedRequest.
    """
    find = partial(find_client_of, proxy.key)
    client = trusted_client(query.get("client_id"), find_client=find)
    asker = trusted_asker(query, client=client)
    if not is_allowed(asker.address.redirect_uri, patterns=proxy.allowed_redirects):
        raise UntrustedRequest(UNTRUSTED_REDIRECT, client_id=client.client_id)
    return replace(asker, address=replace(asker.address, issuer=proxy.key))


def _wish(query: Parameters) -> Wish:
    """Raises: OAuthError, also for a signed request, whose content nobody here would have read."""
    if query.get("request"):
        raise OAuthError(Reason.REQUEST_OBJECT_INVALID)
    return read_wish(query)


def _scopes(proxy: Proxy, wish: Wish, *, asker: Asker) -> tuple[str, ...]:
    """The scopes asked for, in the order of the proxy's list.

    Spec: RFC 8707 section 2 (`invalid_target` for a resource that is not the proxy's).
    Raises: OAuthError.
    """
    if not asker.client.allows_grant_type("authorization_code"):
        raise OAuthError(Reason.GRANT_TYPE_NOT_ALLOWED)
    known = {fold_resource(proxy.resource), proxy.slug}
    if not {fold_resource(value) for value in wish.requested_resources} <= known:
        raise OAuthError(Reason.RESOURCE_UNKNOWN)
    granted = grantable(
        wish.requested_scopes, resource=proxy.view, ceiling=asker.client.scope_ceiling
    )
    return tuple(name for name in proxy.scopes if name in granted)


def _proceed(request: HttpRequest, asked: Asked, *, target: str) -> HttpResponse:
    """Raises: OAuthError when the user would have to be asked and must not be; NotContinuable."""
    wish, ticket, session = asked.wish, return_to.ticket_of(target), signed_in(request)
    step = next_step(
        wish,
        must_sign_in=demands_sign_in(wish, session=session, ticket=ticket),
        is_consented=_is_consented(session, asked),
        redirect_uri=asked.asker.address.redirect_uri,
    )
    if step is Step.SIGN_IN or session is None:
        return to_sign_in(target)
    draft = _draft(asked, session=session)
    if step is Step.CONSENT:
        waiting = pending.begin(draft, started=asked.started)
        return see_other(f"{reverse('proxy-consent')}?session_id={waiting.id}")
    now = clock.now()
    draft.decided_at, draft.expires_at = now, time_to_return(now)
    draft.save(force_insert=True)
    return go_on(
        request, proxy=asked.proxy, waiting=draft, user=session.user, pause=ticket is not None
    )


def _is_consented(session: SignedIn | None, asked: Asked) -> bool:
    if session is None:
        return False
    if not asked.proxy.require_consent:
        return True
    consent = standing_consent(asked.proxy, user=session.user, client=asked.asker.client)
    return covers(consent, scopes=asked.scopes)


def _draft(asked: Asked, *, session: SignedIn) -> AuthorizationRequest:
    return AuthorizationRequest(
        issuer=asked.proxy.key,
        client=asked.asker.client,
        user=session.user,
        redirect_uri=asked.asker.address.redirect_uri,
        scope=" ".join(asked.scopes),
        resource=asked.proxy.resource,
        state=asked.asker.address.state,
        code_challenge=asked.wish.code_challenge,
        auth_time=session.authenticated_at,
        acr=reached_level(
            session.methods, requested=asked.wish.requested_levels, vouched=session.level
        ),
        amr=list(session.methods),
    )


def _no_proxy() -> HttpResponse:
    return error_page(
        status=404,
        title="There is nothing to connect to here",
        message="The application sent you to a service that this server does not offer.",
        steps=("Tell the people who run the application.",),
        cause=f"unknown proxy at {config().server.issuer}",
    )
