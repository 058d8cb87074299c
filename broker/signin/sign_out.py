"""GET /oidc/sign-out: whoever has signed out here goes on to sign out at the provider."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from authplane.core.pages import page_view
from authplane.core.uris import add_query
from broker.signin.discovery import published_by
from broker.signin.errors import ProviderDown
from broker.signin.providers import provider_by_slug, signed_out_uri
from broker.signin.refusals import NO_PROVIDER, down_page, refusal_page
from oauth.authorize.responses import see_other

log = logging.getLogger(__name__)


@page_view("GET")
def sign_out(request: HttpRequest) -> HttpResponse:
    """302 to the provider's page for it; to our sign-in page where the provider has none.

    The session here ended before, by a post of its own. No ID token is sent along as a hint: none
    is kept, and in a URL it would tell every log on the way who the person is. The provider asks.

    Spec: OpenID Connect RP-Initiated Logout 1.0 section 2 (`client_id` in place of a hint).
    """
    provider = provider_by_slug(request.GET.get("provider", ""))
    if provider is None:
        return refusal_page(NO_PROVIDER)
    try:
        endpoint = published_by(provider.issuer).end_session_endpoint
    except ProviderDown as down:
        log.warning("nobody can sign out there", extra={"provider": provider.slug, "why": down.why})
        return down_page()
    if not endpoint:
        return see_other("/login")
    response = HttpResponseRedirect(
        add_query(
            endpoint,
            [
                ("client_id", provider.client_id),
                ("post_logout_redirect_uri", signed_out_uri()),
            ],
        )
    )
    response["Referrer-Policy"] = "no-referrer"
    return response
