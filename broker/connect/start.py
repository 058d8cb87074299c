"""GET /connect/{provider}: off to the service, or to the page where a key is pasted."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.config import config
from authplane.core.crypto import CryptoError
from authplane.core.pages import page_view, render_page
from broker.connect import limits, refusals, state
from broker.connect.marks import keep_mark, mark_for
from broker.connect.paste import accept_key, key_page
from broker.connect.refusals import refuse
from broker.connect.return_urls import callback_url
from broker.connect.senders import ISS_PROMISED
from broker.connect.ways import way_to
from broker.connect.wishes import NotConnectable, Wish, read_wish
from broker.errors import BadProvider, SecretUnavailable
from broker.models import ConnectState
from broker.providers.settings import ApiKeySettings, ServiceAccountSettings
from broker.upstream.base import UpstreamError
from oauth.authorize.responses import see_other
from oauth.consent.display import shown_resource
from oauth.sessions import csrf
from oauth.sessions.form import Form, read_page_form, read_query
from oauth.sessions.services import signed_in
from oauth.sessions.views import stale_form

RETURN_URL: Final = "return_url"
RESOURCE: Final = "resource"
SIGNED_IN: Final = "signed_in"

log = logging.getLogger(__name__)


@csrf_exempt
def connect(request: HttpRequest, provider: str) -> HttpResponse:
    """The user is on the way to the service, or sees why not. A pasted key is posted here too."""
    return page_view("GET", "POST")(lambda asked: _connect(asked, provider=provider))(request)


def _connect(request: HttpRequest, *, provider: str) -> HttpResponse:
    session = signed_in(request)
    form = _read(request)
    if session is None:
        return see_other(_sign_in_url(provider, form))
    if request.method == "POST" and not csrf.is_session_post_genuine(
        request, presented=form.one("csrf_token")
    ):
        return stale_form()
    try:
        return _go(request, provider=provider, form=form, user=session.user)
    except NotConnectable as refused:
        return refuse(request, refused.refusal)
    except CryptoError:
        return refuse(request, refusals.NO_KEY)
    except (BadProvider, SecretUnavailable, UpstreamError) as broken:
        log.warning(
            "account cannot be connected",
            extra={"provider": provider[:64], "why": f"{type(broken).__name__}: {broken}"},
        )
        return refuse(request, refusals.BROKEN)


def _go(request: HttpRequest, *, provider: str, form: Form, user: User) -> HttpResponse:
    """The next step of connecting, by what kind of service it is."""
    wish = read_wish(
        provider,
        unverified_resource=form.one(RESOURCE),
        unverified_return_url=form.one(RETURN_URL),
    )
    if not config().secrets.data:
        raise NotConnectable(refusals.NO_KEY)
    settings = wish.provider.usable()
    if isinstance(settings, ApiKeySettings):
        if request.method == "POST":
            return limits.refuse_beyond(request, limits.BEGIN, user=user) or accept_key(
                request, wish=wish, user=user, form=form
            )
        return key_page(request, wish=wish)
    if isinstance(settings, ServiceAccountSettings) or request.method != "GET":
        raise NotConnectable(refusals.NO_CONNECT)
    if form.one(SIGNED_IN):
        return _pause(wish, user=user)
    return limits.refuse_beyond(request, limits.BEGIN, user=user) or _leave(
        request, wish=wish, user=user
    )


def _pause(wish: Wish, *, user: User) -> HttpResponse:
    """A page with the link to go on by.

    Browsers hold the sign-in form's policy against every redirect that follows its post, and that
    policy names no upstream service.
    """
    context = {
        "provider_name": wish.provider.display_name,
        "resource": shown_resource(wish.resource),
        "signed_in_as": str(user),
        "link": _link(
            wish.provider.slug, {RESOURCE: wish.resource.slug, RETURN_URL: wish.return_url}
        ),
    }
    return render_page("broker/continue.html", context)


def _leave(request: HttpRequest, *, wish: Wish, user: User) -> HttpResponse:
    way = way_to(wish)
    adapter = way.adapter
    callback, mark = callback_url(wish.provider.slug), mark_for(request)
    begun = state.begin(
        kind=ConnectState.Kind.CONNECT,
        redirect_uri=callback,
        upstream_client_id=adapter.settings.client_id,
        issuer=adapter.settings.issuer,
        user=user,
        provider=wish.provider.id,
        resource=wish.resource.id,
        return_url=wish.return_url,
        scopes=way.scopes,
        context={ISS_PROMISED: way.iss_promised},
        browser_mark=mark,
        now=clock.now(),
    )
    response = see_other(
        adapter.authorize_url(
            redirect_uri=callback,
            state=begun.state,
            challenge=begun.challenge,
            scopes=way.scopes,
        )
    )
    # The service need not learn who sent the user, let alone by which link.
    response["Referrer-Policy"] = "no-referrer"
    keep_mark(response, mark)
    return response


def _read(request: HttpRequest) -> Form:
    """What the link or the form says."""
    if request.method == "POST":
        return read_page_form(request) or Form({})
    return read_query(request)


def _sign_in_url(provider: str, form: Form) -> str:
    """The sign-in page, which leads back to this very link.

    The link is written anew: unescaped, a return URL in it would look like another site's address.
    """
    asked = {name: form.one(name) for name in (RESOURCE, RETURN_URL) if form.one(name)}
    here = _link(provider, asked | {SIGNED_IN: "1"})
    return f"{reverse('login')}?{urlencode({'redirect': here})}"


def _link(provider: str, asked: dict[str, str]) -> str:
    return f"{reverse('connect', args=[provider])}?{urlencode(asked)}"
