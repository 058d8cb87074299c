"""GET /consent/proxy asks, POST carries out the decision, and only then goes to the service.

The page that asks belongs to the waiting authorization: there is no way to the service, and so to a
session that the user may have there, which does not lead past it.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from audit import record
from audit.events import ProxyConsentDenied
from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.metrics import counter
from authplane.core.pages import page_view, render_page
from broker.providers.selectors import provider_by_id
from broker.proxies import consents
from broker.proxies.authorize import not_continuable
from broker.proxies.hops import NotContinuable, address_of, go_on, time_to_return
from broker.proxies.patterns import is_allowed
from broker.proxies.selectors import Proxy, proxies
from oauth.authorize import pending
from oauth.authorize.responses import error_redirect, see_other
from oauth.authorize.trust import (
    UNTRUSTED_REDIRECT,
    is_registered_redirect,
    refusal_page,
    switched_off,
)
from oauth.consent.dead_ends import nothing_ticked, signed_out
from oauth.consent.display import destination, shown_client, shown_resource
from oauth.errors import Reason
from oauth.models import AuthorizationRequest, Client
from oauth.sessions import csrf, return_to
from oauth.sessions.form import Form, read_page_form
from oauth.sessions.services import signed_in
from oauth.sessions.views import stale_form

_DECISIONS = "authserver_consent_decisions_total"


@page_view("GET", "HEAD", "POST")
def consent(request: HttpRequest) -> HttpResponse:
    """The question and its answer."""
    try:
        return _decide(request) if request.method == "POST" else _ask(request)
    except NotContinuable:
        return not_continuable()


@page_view("POST")
def remove(request: HttpRequest) -> HttpResponse:
    """A user takes back what a client of a proxy was allowed; 303 to the page of connections."""
    session = signed_in(request)
    if session is None:
        return see_other(f"{reverse('login')}?redirect={reverse('connections')}")
    form = read_page_form(request) or Form({})
    if not csrf.is_session_post_genuine(request, presented=form.one("csrf_token")):
        return stale_form()
    try:
        key = uuid.UUID(form.one("consent"))
    except ValueError:
        return see_other(reverse("connections"))
    consents.revoke_consent(consent_id=key, user=session.user, now=clock.now())
    return see_other(f"{reverse('connections')}?removed=1")


def _ask(request: HttpRequest) -> HttpResponse:
    session = signed_in(request)
    request_id = request.GET.get("session_id", "")
    if session is None:
        here = f"{reverse('proxy-consent')}?{urlencode({'session_id': request_id})}"
        return see_other(f"{reverse('login')}?{urlencode({'redirect': here})}")
    proxy, waiting = _waiting(request_id, user=session.user)
    if waiting.decided_at is not None:
        raise NotContinuable
    return _withdrawn_page(proxy, waiting) or _page(request, proxy, waiting)


def _decide(request: HttpRequest) -> HttpResponse:
    session = signed_in(request)
    if session is None:
        return signed_out()
    form = read_page_form(request) or Form({})
    if not csrf.is_session_post_genuine(request, presented=form.one("csrf_token")):
        return stale_form()
    proxy, waiting = _waiting(form.one("session_id"), user=session.user)
    withdrawn = _withdrawn_page(proxy, waiting)
    if withdrawn is not None:
        return withdrawn
    match form.one("action"):
        case "allow":
            return _allow(request, proxy, waiting, ticked=form.all("scopes"))
        case "deny":
            return _deny(proxy, waiting)
        case _:
            raise NotContinuable


def _allow(
    request: HttpRequest, proxy: Proxy, waiting: AuthorizationRequest, *, ticked: tuple[str, ...]
) -> HttpResponse:
    """The consent stands and the user is on the way; ticking nothing allows nothing."""
    requested = waiting.scope.split()
    if not set(ticked) <= set(requested):
        raise NotContinuable
    if requested and not ticked:
        return _nothing_ticked(waiting)
    now = clock.now()
    with transaction.atomic():
        waiting.scope = " ".join(name for name in requested if name in ticked)
        if _claim(waiting, now=now):
            consents.widen(
                proxy,
                user=waiting.user,
                client=waiting.client,
                scopes=waiting.scope.split(),
                now=now,
            )
            counter(_DECISIONS).labels(decision="granted").inc()
        elif not _repeats_itself(waiting, now=now):
            raise NotContinuable
    return go_on(request, proxy=proxy, waiting=waiting, user=waiting.user, pause=True)


def _deny(proxy: Proxy, waiting: AuthorizationRequest) -> HttpResponse:
    """The client learns that the user said no, and nothing else."""
    now = clock.now()
    with transaction.atomic():
        if not _claim(waiting, now=now):
            raise NotContinuable
        AuthorizationRequest.objects.filter(pk=waiting.pk).delete()
        record.record(
            ProxyConsentDenied(
                actor_id=str(waiting.user_id),
                client_id=waiting.client.client_id,
                proxy=proxy.slug,
            )
        )
        counter(_DECISIONS).labels(decision="denied").inc()
    return error_redirect(address_of(waiting), reason=Reason.ACCESS_DENIED)


def _claim(waiting: AuthorizationRequest, *, now: datetime) -> bool:
    """This post, and no other, decides; the scopes are those that were allowed from now on."""
    claimed = AuthorizationRequest.objects.filter(
        pk=waiting.pk, decided_at=None, expires_at__gt=now
    ).update(decided_at=now, scope=waiting.scope, expires_at=time_to_return(now))
    return bool(claimed == 1)


def _repeats_itself(waiting: AuthorizationRequest, *, now: datetime) -> bool:
    """The second half of a double click on Allow, with the same boxes ticked.

    The browser dropped the first answer. Of the two hops at most one yields a code, because it is
    the authorization that is spent.
    """
    return AuthorizationRequest.objects.filter(
        pk=waiting.pk, scope=waiting.scope, decided_at__gt=now - pending.REPEAT_WINDOW
    ).exists()


def _waiting(request_id: str, *, user: User) -> tuple[Proxy, AuthorizationRequest]:
    """The authorization of this user, and the proxy that it was asked of.

    Raises: NotContinuable when it is unknown, lapsed, or somebody else's, or the proxy is gone.
    """
    now = clock.now()
    issuer = (
        AuthorizationRequest.objects.filter(pk=request_id[:43], user=user)
        .values_list("issuer", flat=True)
        .first()
    )
    proxy = next((one for one in proxies() if issuer and one.key == issuer), None)
    if proxy is None or not proxy.is_gateway:
        raise NotContinuable
    waiting = pending.find_owned(request_id, user=user, now=now, issuer=proxy.key)
    if waiting is None:
        raise NotContinuable
    return proxy, waiting


def _page(request: HttpRequest, proxy: Proxy, waiting: AuthorizationRequest) -> HttpResponse:
    """The page that asks. Its form may end at the client's address and nowhere else."""
    provider = provider_by_id(proxy.provider_id)
    context = {
        "csrf_token": csrf.session_token(request),
        "session_id": waiting.id,
        "client": shown_client(waiting.client),
        "resource": shown_resource(proxy.view),
        "provider_name": provider.display_name if provider else "",
        "destination": destination(waiting.redirect_uri),
        "scopes": _tick_boxes(proxy, waiting),
        "stays_connected": waiting.client.allows_grant_type("refresh_token"),
        "signed_in_as": str(waiting.user),
        "switch_account_url": _switch_account_url(proxy, waiting),
    }
    return render_page("broker/proxy_consent.html", context, answers_to=waiting.redirect_uri)


def _tick_boxes(proxy: Proxy, waiting: AuthorizationRequest) -> list[dict[str, Any]]:
    consent = consents.standing_consent(proxy, user=waiting.user, client=waiting.client)
    before = consent.scopes if consent else ()
    requested = waiting.scope.split()
    return [
        {"name": name, "description": "", "ticked": True, "allowed_before": name in before}
        for name in proxy.scopes
        if name in requested
    ]


def _switch_account_url(proxy: Proxy, waiting: AuthorizationRequest) -> str:
    """The sign-in page, from which the same request starts again for somebody else."""
    parameters = {
        "response_type": "code",
        "client_id": waiting.client.client_id,
        "redirect_uri": waiting.redirect_uri,
        "scope": waiting.scope,
        "resource": waiting.resource,
        "state": waiting.state,
        "code_challenge": waiting.code_challenge,
        "code_challenge_method": "S256",
    }
    sent = urlencode({name: value for name, value in parameters.items() if value})
    target = return_to.sign(f"{reverse('proxy-authorize', args=[proxy.id])}?{sent}")
    return f"{reverse('login')}?{urlencode({'redirect': target})}"


def _withdrawn_page(proxy: Proxy, waiting: AuthorizationRequest) -> HttpResponse | None:
    """The client was suspended, or its redirect URI is allowed no more, while the user read."""
    if waiting.client.status != Client.Status.ACTIVE:
        return refusal_page(switched_off(waiting.client))
    uri = waiting.redirect_uri
    allowed = is_allowed(uri, patterns=proxy.allowed_redirects)
    if not allowed or not is_registered_redirect(waiting.client, uri):
        return refusal_page(UNTRUSTED_REDIRECT)
    return None


def _nothing_ticked(waiting: AuthorizationRequest) -> HttpResponse:
    return nothing_ticked(f"{reverse('proxy-consent')}?{urlencode({'session_id': waiting.id})}")
