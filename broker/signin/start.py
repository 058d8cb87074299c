"""GET /oidc/start: off to the identity provider."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from authplane.core import clock, windows
from authplane.core.crypto import CryptoError
from authplane.core.hashing import b64url, sha256
from authplane.core.pages import page_view
from broker.connect import state
from broker.connect.marks import keep_mark, mark_for
from broker.connect.senders import ISS_PROMISED
from broker.models import ConnectState, IdentityProvider
from broker.signin.discovery import Published, published_by
from broker.signin.errors import ProviderDown
from broker.signin.providers import SignInProvider, enabled_providers, provider_by_slug
from broker.signin.refusals import NO_PROVIDER, down_page, limited_page, refusal_page
from broker.upstream.authorize_url import authorize_url
from oauth.authorize.responses import see_other
from oauth.sessions.form import read_query
from oauth.sessions.return_to import Waiting, local_path, waiting_request

ROUTE: Final = "oidc_start"
PER_MINUTE: Final = 10
GROUPS_SCOPE: Final = "groups"
MAX_AGE: Final = "max_age"

log = logging.getLogger(__name__)


@page_view("GET")
def start(request: HttpRequest) -> HttpResponse:
    """302 to the provider that `provider` names, to come back to `redirect`.

    A link and no form: browsers hold a form's policy against every redirect that follows its post.
    Whoever else sends a browser here makes it sign in as itself, and nobody can finish it in
    another browser. The limit is of rows: anybody can make one.
    """
    verdict = windows.take_of_address(request, ROUTE, limit=PER_MINUTE)
    if not verdict.allowed:
        return limited_page(verdict)
    asked = read_query(request)
    target = local_path(asked.one("redirect"))
    if not asked.one("provider") and len(enabled_providers()) > 1:
        return see_other(f"{reverse('login')}?{urlencode({'redirect': target})}")
    provider = _provider(asked.one("provider"))
    if provider is None:
        return refusal_page(NO_PROVIDER)
    try:
        return _leave(request, provider=provider, target=target)
    except (ProviderDown, CryptoError) as failed:
        log.warning(
            "nobody can sign in with this provider",
            extra={"provider": provider.slug, "why": f"{type(failed).__name__}: {failed}"},
        )
        return down_page()


def nonce_of(verifier: str) -> str:
    """The nonce of a hop: it follows from the verifier, so that nobody has to keep it as well."""
    return b64url(sha256(f"nonce {verifier}"))


@dataclass(frozen=True, slots=True)
class Demand:
    """How the person has to prove who they are; `max_age` is seconds, None for no demand."""

    max_age: int | None = None
    login_hint: str = ""
    levels: tuple[str, ...] = ()

    def parameters(self) -> dict[str, str]:
        """What the provider is asked besides.

        Some refuse a `max_age` of 0. With one of 1 they say `auth_time` as well, which shows
        whether `prompt=login` was heeded.

        Spec: OpenID Connect Core 1.0 sections 3.1.2.1 and 2 (`auth_time`).
        """
        asked = {"login_hint": self.login_hint, "acr_values": " ".join(self.levels)}
        if self.max_age is not None:
            asked["max_age"] = str(max(1, self.max_age))
        if self.max_age == 0:
            asked["prompt"] = "login"
        return {name: value for name, value in asked.items() if value}


def _demand(waiting: Waiting | None) -> Demand:
    """What the waiting request wants of a sign-in, handed on to whoever does it.

    Who asks for a kind of sign-in asks for one made now: an old one was not made for it.
    """
    if waiting is None:
        return Demand()
    at_once = waiting.again or bool(waiting.levels)
    return Demand(0 if at_once else waiting.max_age, waiting.login_hint, waiting.levels)


def _provider(slug: str) -> SignInProvider | None:
    if slug:
        return provider_by_slug(slug)
    return next(iter(enabled_providers()), None)


def _leave(request: HttpRequest, *, provider: SignInProvider, target: str) -> HttpResponse:
    published = published_by(provider.issuer)
    demand, mark = _demand(waiting_request(target)), mark_for(request)
    scopes = _scopes(provider, published)
    begun = state.begin(
        kind=ConnectState.Kind.LOGIN,
        redirect_uri=provider.redirect_uri,
        upstream_client_id=provider.client_id,
        issuer=provider.issuer,
        identity_provider=IdentityProvider(pk=provider.id, slug=provider.slug),
        return_url=target,
        scopes=scopes,
        context={ISS_PROMISED: published.signs_answers, MAX_AGE: demand.max_age},
        browser_mark=mark,
        now=clock.now(),
    )
    extra: Mapping[str, Any] = {"nonce": nonce_of(begun.verifier), **demand.parameters()}
    if provider.connector_id:
        extra = {**extra, "connector_id": provider.connector_id}
    response = HttpResponseRedirect(
        authorize_url(
            published.authorization_endpoint,
            client_id=provider.client_id,
            redirect_uri=provider.redirect_uri,
            state=begun.state,
            challenge=begun.challenge,
            scopes=scopes,
            extra=extra,
        )
    )
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    keep_mark(response, mark)
    return response


def _scopes(provider: SignInProvider, published: Published) -> tuple[str, ...]:
    """What is configured, and the groups where the provider offers a scope for them."""
    with_groups = provider.include_groups_scope and GROUPS_SCOPE in published.scopes
    return (*provider.scopes, GROUPS_SCOPE) if with_groups else provider.scopes
