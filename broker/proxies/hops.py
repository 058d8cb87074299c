"""From a decided authorization to its code: by way of the service, unless the user was there."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.config import config
from authplane.core.crypto import CryptoError
from authplane.core.ids import uuid7
from authplane.core.pages import render_page
from broker.connect import state
from broker.connect.marks import keep_mark, mark_for
from broker.connect.return_urls import base_url
from broker.connect.senders import ISS_PROMISED
from broker.connections.selectors import connection_to_provider
from broker.errors import BadProvider, SecretUnavailable
from broker.models import Connection, ConnectState, OAuthProxy
from broker.providers.selectors import Provider, provider_by_id
from broker.proxies.consents import covers, standing_consent
from broker.proxies.selectors import Proxy
from broker.proxies.sessions import USABLE, begin_session
from broker.upstream.base import UpstreamError
from broker.upstream.issuer import signs_answers
from broker.upstream.registry import OAuthAdapter, adapter_for
from oauth.authorize.responses import (
    ReturnAddress,
    code_redirect,
    error_redirect,
    observe_flow,
    see_other,
)
from oauth.errors import Reason
from oauth.models import AuthorizationRequest, Client
from oauth.tokens.codes import issue_code

CALLBACK: Final = "/api/v1/oauth/callback"
REQUEST: Final = "request"
SLACK: Final = timedelta(minutes=1)

log = logging.getLogger(__name__)


class NotContinuable(Exception):
    """The authorization was answered, has lapsed, or lost what it rests on meanwhile."""


def address_of(waiting: AuthorizationRequest) -> ReturnAddress:
    """Where the answer goes. The redirect URI was found to be the client's when it was stored."""
    return ReturnAddress(waiting.redirect_uri, waiting.state, waiting.issuer)


def go_on(
    request: HttpRequest, *, proxy: Proxy, waiting: AuthorizationRequest, user: User, pause: bool
) -> HttpResponse:
    """The client gets its code, or the user is on the way to the service to allow it there.

    With ``pause`` a page of ours stands in between: browsers hold a form's policy against every
    redirect that follows its post, and no policy of ours can name where a service sends people.
    """
    provider = provider_by_id(proxy.provider_id)
    if provider is None or not provider.enabled:
        return give_up(waiting, reason=Reason.TEMPORARILY_UNAVAILABLE)
    held = connection_to_provider(user_id=user.pk, provider_id=provider.id)
    if held is not None and is_enough(held, scopes=waiting.scope.split(), now=clock.now()):
        return finish(proxy, waiting, connection=held)
    try:
        return _leave(request, proxy, provider, waiting=waiting, user=user, pause=pause)
    except (BadProvider, SecretUnavailable, UpstreamError, CryptoError) as broken:
        log.warning(
            "service of the proxy cannot be used",
            extra={"proxy": proxy.slug, "why": f"{type(broken).__name__}: {broken}"},
        )
        return give_up(waiting, reason=Reason.TEMPORARILY_UNAVAILABLE)


def is_enough(held: Connection, *, scopes: list[str], now: datetime) -> bool:
    """The connection can be used, for all of these scopes, and for longer than a moment."""
    if held.status not in USABLE or not set(scopes) <= set(held.scopes_granted):
        return False
    if held.credential_sealed is not None or held.access_expires_at is None:
        return True
    return held.access_expires_at > now + timedelta(seconds=config().broker.margin)


def finish(proxy: Proxy, waiting: AuthorizationRequest, *, connection: Connection) -> HttpResponse:
    """The client has its code, and its tokens to come stand for the connection.

    The waiting authorization is spent with the code, so that one decision yields one code; the
    consent is looked at under a lock, so that one that is revoked at this moment counts.

    Raises: NotContinuable.
    """
    now = clock.now()
    with transaction.atomic():
        consent = standing_consent(proxy, user=waiting.user, client=waiting.client, lock=True)
        if proxy.require_consent and not covers(consent, scopes=waiting.scope.split()):
            raise NotContinuable
        if waiting.client.status != Client.Status.ACTIVE or not spend(waiting, now=now):
            raise NotContinuable
        family_id = uuid7()
        code = issue_code(waiting, now=now, family_id=family_id)
        begin_session(proxy, waiting, connection=connection, family_id=family_id, now=now)
    observe_flow(started=waiting.created_at)
    return code_redirect(address_of(waiting), code=code)


def give_up(waiting: AuthorizationRequest, *, reason: Reason) -> HttpResponse:
    """The client learns that there is no code; the authorization is answered by that.

    Raises: NotContinuable when it was answered before.
    """
    if not spend(waiting, now=clock.now()):
        raise NotContinuable
    return error_redirect(address_of(waiting), reason=reason)


def spend(waiting: AuthorizationRequest, *, now: datetime) -> bool:
    """Whether this call, of all that try, answers the decided authorization."""
    count, _ = AuthorizationRequest.objects.filter(
        pk=waiting.pk, issuer=waiting.issuer, decided_at__isnull=False, expires_at__gt=now
    ).delete()
    return count == 1


def time_to_return(now: datetime) -> datetime:
    """Until when a decided authorization waits for its user to come back from the service."""
    return now + state.LIFETIME + SLACK


def _leave(
    request: HttpRequest,
    proxy: Proxy,
    provider: Provider,
    *,
    waiting: AuthorizationRequest,
    user: User,
    pause: bool,
) -> HttpResponse:
    """Raises: BadProvider, SecretUnavailable, UpstreamError, CryptoError."""
    adapter = adapter_for(provider)
    if not isinstance(adapter, OAuthAdapter):
        return give_up(waiting, reason=Reason.TEMPORARILY_UNAVAILABLE)
    callback, mark, scopes = f"{base_url()}{CALLBACK}", mark_for(request), waiting.scope.split()
    begun = state.begin(
        kind=ConnectState.Kind.PROXY,
        redirect_uri=callback,
        upstream_client_id=adapter.settings.client_id,
        issuer=adapter.settings.issuer,
        user=user,
        provider=provider.id,
        proxy=OAuthProxy(pk=proxy.id, provider_id=proxy.provider_id),
        scopes=scopes,
        context={REQUEST: waiting.pk, ISS_PROMISED: signs_answers(adapter.settings)},
        browser_mark=mark,
        now=clock.now(),
    )
    url = adapter.authorize_url(
        redirect_uri=callback, state=begun.state, challenge=begun.challenge, scopes=scopes
    )
    response = _pause(url, provider=provider) if pause else see_other(url)
    # The service need not learn who sent the user, let alone by which link.
    response["Referrer-Policy"] = "no-referrer"
    keep_mark(response, mark)
    return response


def _pause(url: str, *, provider: Provider) -> HttpResponse:
    return render_page(
        "broker/proxy_continue.html", {"provider_name": provider.display_name, "link": url}
    )
